//! brokerctl for what a shell waits for: `exec`, `credential-process` and `env ROLE`, where brokerd runs and nobody is to be told or
//! asked anything; and `forward`, for containers, which have no Node. Everything else, and whatever goes another way than it should, is
//! handed over to the Node program with the same arguments and environment: it does all of it without us.
const std = @import("std");
const system = @import("system.zig");
const copies = @import("copies.zig");
const environment = @import("environment.zig");
const forward = @import("forward.zig");
const landlock = @import("landlock.zig");
const places = @import("places.zig");
const run = @import("run.zig");
const wire = @import("wire.zig");
const text = system.text;
const eql = std.mem.eql;

/// A check that fails is a trap, of which `main` makes a hand-over: a mistake of ours is no reason to wait for its mend.
pub const panic = std.debug.no_panic;

const version = versionIn(@embedFile("package.json"));
const Words = [:null]const ?system.Text;
var words: Words = undefined;
var own: environment.Environment = undefined;
/// What a shell that evaluates our output is told where a signal ends us.
var last_words: []const u8 = "";

pub export fn main(count: c_int, argv: [*:null]const ?system.Text, environ: [*:null]const ?system.Text) c_int {
    words = argv[0..@intCast(count) :null];
    own = .{ .entries = std.mem.span(environ) };
    // Else a socket would be stdin, stdout or stderr, which others take for a file of the user's. Node does the same.
    for (0..3) |fd| if (std.c.fcntl(@intCast(fd), std.c.F.GETFD) == -1) {
        _ = std.c.open("/dev/null", .{ .ACCMODE = .RDWR });
    };
    for ([_]std.c.SIG{ .ILL, .TRAP }) |number| run.handle(number, &trapped);
    warm() catch handOver();
    return 0;
}

fn warm() !void {
    if (words.len < 2) return error.HandOver;
    const command = std.mem.span(words[1].?);
    if (eql(u8, command, "forward")) {
        const program: forward.Program = .{ .own = own, .version = version, .becomeNode = &tryNode, .handOver = &handOver };
        return forward.forward(words[2..], program);
    }
    if (!system.is_mac and eql(u8, command, landlock.word)) landlock.exec(words[2..], own);
    if (words.len < 3) return error.HandOver;
    // An older hook is renewed by the Node program, which also knows how not to wake brokerd.
    const hook = own.get("CREDBROKER_HOOK") orelse ":" ++ version;
    if (!std.mem.endsWith(u8, hook, ":" ++ version) or own.get("CREDBROKER_NO_AUTOSTART") != null) return error.HandOver;
    if (eql(u8, command, "exec")) try exec(words[2..]);
    if (words.len == 3 and eql(u8, command, "credential-process")) return credentialProcess(try roleIn(words[2]));
    // With the hook it says whose the lease is; on a terminal, that nothing has changed yet.
    if (words.len == 3 and eql(u8, command, "env") and own.get("CREDBROKER_HOOK") == null and std.c.isatty(1) == 0) {
        return env(try roleIn(words[2]));
    }
    return error.HandOver;
}

/// One word that no shell and no parser of flags takes for anything else.
fn roleIn(word: ?system.Text) ![]const u8 {
    const role = std.mem.span(word.?);
    if (role.len == 0 or role.len > 1024 or role[0] == '-') return error.HandOver;
    for (role) |byte| if (byte <= ' ' or byte > '~') return error.HandOver;
    return role;
}

/// `[ROLE] [-- CMD…]`; without CMD the user's shell.
fn exec(given: Words) !noreturn {
    const role = if (eql(u8, std.mem.span(given[0].?), "--")) null else try roleIn(given[0]);
    const rest = given[@intFromBool(role != null)..];
    if (rest.len > 0 and !eql(u8, std.mem.span(rest[0].?), "--")) return error.HandOver;
    const shell = [_:null]?system.Text{try text("{s}", .{own.filled("SHELL") orelse "/bin/sh"})};
    const command = if (rest.len > 1) rest[1..] else &shell;
    if (eql(u8, std.mem.span(command[0].?), "")) return error.HandOver;

    const found = try places.find(own);
    const neutral = try copies.find(own, found.state, version);
    var set: environment.Variables = .empty;
    try neutral.put(&set, "default", own);
    try environment.putOwnRegion(&set, own);
    const lease = try ask(found, .exec, role);
    try environment.putEndpoint(&set, lease.credentials_url, lease.token);
    try environment.putRegion(&set, lease.region);
    try neutral.put(&set, "set", null);
    try environment.putDirect(&set, own);
    try environment.putMarks(&set, lease.token);
    try run.run(command.ptr, try environment.ofCommand(own, set), lease.connection, &handOver);
}

/// What SDKs run, with a terminal that belongs to another program.
fn credentialProcess(role: []const u8) !void {
    const body = try wire.fetch(try ask(try places.find(own), .@"credential-process", role));
    const form = "{{\"Version\":1,\"AccessKeyId\":\"{s}\",\"SecretAccessKey\":\"{s}\",\"SessionToken\":\"{s}\",\"Expiration\":\"{s}\"{s}}}\n";
    const account = wire.between(body, "\"AccountId\":\"", '"') catch null;
    print(try text(form, .{
        try wire.between(body, "\"AccessKeyId\":\"", '"'),
        try wire.between(body, "\"SecretAccessKey\":\"", '"'),
        try wire.between(body, "\"Token\":\"", '"'),
        try wire.between(body, "\"Expiration\":\"", '"'),
        if (account) |id| try text(",\"AccountId\":\"{s}\"", .{id}) else "",
    }));
}

/// The lease of a role for a shell to evaluate, where nothing in `~/.aws` would win over it.
fn env(role: []const u8) !void {
    const found = try places.find(own);
    const neutral = try copies.find(own, found.state, version);
    if (!neutral.are_for_commands_only) return error.HandOver;
    var set: environment.Variables = .empty;
    last_words = try text("{s}false\n", .{try environment.shellText(own, set)});
    for ([_]std.c.SIG{ .INT, .TERM, .HUP }) |number| run.handle(number, &sayLastWords);
    const lease = try ask(found, .env, role);
    try environment.putOwnRegion(&set, own);
    try environment.putEndpoint(&set, lease.lease_url, null);
    try environment.putRegion(&set, lease.region);
    print(try environment.shellText(own, set));
}

/// A shell that evaluates nothing would keep the keys that it has.
fn sayLastWords(number: std.c.SIG) callconv(.c) void {
    _ = std.c.write(1, last_words.ptr, last_words.len);
    run.endBy(number);
}

fn ask(found: places.Places, kind: @FieldType(wire.Request, "kind"), role: ?[]const u8) !wire.Lease {
    const like = if (role == null) try own.shellToken() else null;
    return wire.launch(found.socket, .{ .kind = kind, .role = role, .like = like, .token = try own.token(), .version = version });
}

/// What was asked for, whole. A reader that has enough is no failure; any other is told by the Node program, which begins anew.
fn print(whole: []const u8) void {
    run.handle(.PIPE, &run.survive);
    var rest = whole;
    while (rest.len > 0) {
        const count = std.c.write(1, rest.ptr, rest.len);
        if (count > 0) rest = rest[@intCast(count)..] else switch (system.errno()) {
            .INTR => {},
            .PIPE => std.c._exit(0),
            else => if (rest.len == whole.len) handOver() else std.c._exit(1),
        }
    }
}

fn trapped(_: std.c.SIG) callconv(.c) void {
    handOver();
}

/// `node dist/brokerctl.js` in our place; what we hold open ends with that.
fn handOver() noreturn {
    tryNode();
    const no_node = "brokerctl: error: node is not in PATH\n" ++
        "brokerctl: hint: install Node.js 20.19 or newer, or add its directory to PATH\n";
    const told = system.told orelse no_node;
    _ = std.c.write(2, told.ptr, told.len);
    if (system.told != null) std.c._exit(system.exit);
    const runs_another = words.len > 1 and (eql(u8, std.mem.span(words[1].?), "exec") or eql(u8, std.mem.span(words[1].?), "forward"));
    std.c._exit(if (runs_another) 125 else 1);
}

/// Returns where there is none.
fn tryNode() void {
    run.reset();
    becomeNode() catch {};
}

/// We are bin/native/PLATFORM/brokerctl of the package. An IDE or a cron job, which have no PATH with Node, name it.
fn becomeNode() !void {
    var package = try system.ownPath();
    for (0..4) |_| package = std.fs.path.dirname(package) orelse return error.HandOver;
    const script = try text("{s}/dist/brokerctl.js", .{package});
    for ([_]?[]const u8{ own.filled("CREDBROKER_NODE"), "node" }) |node| {
        const start = [_]?system.Text{ try text("{s}", .{node orelse continue}), script };
        const argv = try std.mem.concatWithSentinel(system.gpa, ?system.Text, &.{ &start, words[@min(1, words.len)..] }, null);
        run.become(argv.ptr, own.entries.ptr);
    }
}

fn versionIn(comptime manifest: []const u8) []const u8 {
    @setEvalBranchQuota(1_000_000);
    return wire.between(manifest, "\"version\": \"", '"') catch unreachable;
}
