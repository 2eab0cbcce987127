//! `forward`: a port on loopback by which AWS SDKs reach the socket of a lease, for containers that have no Node. What is wrong is told
//! by the Node program where there is one, else here.
const std = @import("std");
const system = @import("system.zig");
const bridge = @import("bridge.zig");
const copies = @import("copies.zig");
const environment = @import("environment.zig");
const lease_socket = @import("lease_socket.zig");
const places = @import("places.zig");
const run = @import("run.zig");
const wire = @import("wire.zig");
const text = system.text;
const eql = std.mem.eql;

extern "c" fn getentropy(buffer: [*]u8, length: usize) c_int;

/// As the Node program waits for credentials that are on their way.
const attempts = 60;
const retry_ms = 500;
const answer_ms = 5000;

const Words = [:null]const ?system.Text;

pub const Program = struct {
    own: environment.Environment,
    version: []const u8,
    /// The Node program in our place; returns where there is none.
    becomeNode: *const fn () void,
    handOver: *const fn () noreturn,
};

/// `[--socket PATH] [--listen 127.0.0.1:PORT] [-- CMD…]`
pub fn forward(given: Words, program: Program) !void {
    say("where there is no Node, forward takes --socket PATH, --listen 127.0.0.1:PORT and -- CMD", 2);
    var socket: ?[]const u8 = program.own.filled("CREDBROKER_SOCKET");
    var port: u16 = 0;
    var index: usize = 0;
    while (index < given.len) : (index += 1) {
        const word = std.mem.span(given[index].?);
        if (eql(u8, word, "--")) break;
        index += 1;
        if (index >= given.len) return error.HandOver;
        const value = std.mem.span(given[index].?);
        if (eql(u8, word, "--socket")) socket = value else if (eql(u8, word, "--listen")) port = try portIn(value) else return error.HandOver;
    }
    const command = given[@min(index + 1, given.len)..];
    if (index < given.len and (command.len == 0 or command[0].?[0] == 0)) return error.HandOver;
    const path = try absolute(socket orelse return error.HandOver);
    const address: std.c.sockaddr.un = .{ .path = @splat(0) };
    if (path.len >= address.path.len) return error.HandOver;

    const region = try waitForLease(path);
    const listener, const taken = bridge.listen(port) catch |failure| return switch (failure) {
        error.Down => told("127.0.0.1 cannot be reached here: a new network namespace has its loopback down\nbrokerctl: hint: ip link set lo up", 2),
        error.Taken => told(try text("cannot listen on 127.0.0.1:{d}\nbrokerctl: hint: leave --listen out: any free port will do", .{port}), 125),
    };
    const opened: bridge.Bridge = .{ .listener = listener, .port = taken, .token = try newToken(), .socket = path };
    const set = try variables(opened, region, program);
    if (command.len == 0) return print(opened, set, program.own);
    try putDirectAndMarks(set, opened.token, program.own);
    try runBeside(opened, command, try environment.ofCommand(program.own, set.*), program);
}

fn absolute(path: []const u8) ![]const u8 {
    if (path.len == 0) return error.HandOver;
    if (path[0] == '/') return path;
    const buffer = try system.gpa.alloc(u8, 4096);
    const directory = std.c.getcwd(buffer.ptr, buffer.len) orelse return error.HandOver;
    return text("{s}/{s}", .{ std.mem.span(@as(system.Text, @ptrCast(directory))), path });
}

fn portIn(value: []const u8) !u16 {
    const digits = std.mem.cutPrefix(u8, value, "127.0.0.1:") orelse return error.HandOver;
    if (digits.len == 0 or std.mem.findNone(u8, digits, "0123456789") != null) return error.HandOver;
    return std.fmt.parseInt(u16, digits, 10) catch error.HandOver;
}

/// Asks once before anything runs, so that what is missing shows here; answers the role's region.
fn waitForLease(path: []const u8) !?[]const u8 {
    try refuseForeign(path);
    var attempt: usize = 1;
    while (true) : (attempt += 1) {
        const answer = lease_socket.ask(path, answer_ms) catch |failure| return told(switch (failure) {
            error.Away => bridge.unreachable_(path),
            error.Late => "brokerd has not answered yet",
            error.Foreign => bridge.foreign(path),
        }, 125);
        if (eql(u8, answer.status, "200")) return lease_socket.headerOf(answer.head, "credbroker-region");
        if (!eql(u8, answer.status, "503") or attempt == attempts) {
            const code = wire.between(answer.body, "\"code\":\"", '"') catch "";
            const message = wire.between(answer.body, "\"message\":\"", '"') catch "the lease's socket answered with an error";
            return told(bridge.printable(message), exitCodeOf(code));
        }
        lease_socket.pause(retry_ms);
    }
}

fn exitCodeOf(code: []const u8) c_int {
    for ([_][]const u8{ "LoginRequired", "MfaRequired", "StoreLocked" }) |other| if (eql(u8, code, other)) return 4;
    return if (eql(u8, code, "GuardRefused")) 5 else 125;
}

/// Told where there is no Node program to tell it.
fn told(message: []const u8, exit: c_int) error{HandOver} {
    say(message, exit);
    return error.HandOver;
}

fn say(message: []const u8, exit: c_int) void {
    system.told = text("brokerctl: error: {s}\n", .{message}) catch null;
    system.exit = exit;
}

/// What another user serves there would be their credentials. Root may be given any, as the root of a container is.
fn refuseForeign(path: []const u8) !void {
    const found = try system.status(try text("{s}", .{path}), .seen) orelse return;
    if (!found.isA(std.c.S.IFSOCK)) return told(try text("{s} is not a socket", .{bridge.printable(path)}), 125);
    const uid = std.c.getuid();
    const overflow = 65_534; // how a user namespace shows users that it does not know (user_namespaces(7))
    if (uid == 0 or found.uid == uid or found.uid == 0 or found.uid == overflow) return;
    return told(try text("{s} belongs to uid {d}, not to uid {d}", .{ bridge.printable(path), found.uid, uid }), 125);
}

fn newToken() ![]const u8 {
    var bytes: [32]u8 = undefined;
    if (getentropy(&bytes, bytes.len) != 0) return error.HandOver;
    var letters: [43]u8 = undefined;
    return text("brk_{s}", .{std.base64.url_safe_no_pad.Encoder.encode(&letters, &bytes)});
}

/// What points to the bridge, and what takes the place of `~/.aws` where there is one.
fn variables(opened: bridge.Bridge, region: ?[]const u8, program: Program) !*environment.Variables {
    const set = try system.gpa.create(environment.Variables);
    set.* = .empty;
    const neutral = try neutralFiles(program);
    if (neutral == .copies) try neutral.copies.put(set, "default", program.own);
    try environment.putOwnRegion(set, program.own);
    try environment.putEndpoint(set, try text("http://127.0.0.1:{d}/creds", .{opened.port}), opened.token);
    try environment.putRegion(set, region);
    try set.put(system.gpa, "CREDBROKER_SOCKET", opened.socket);
    switch (neutral) {
        .copies => |found| try found.put(set, "set", null),
        .empty => for ([_][]const u8{ "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE" }) |name| try set.put(system.gpa, name, "/dev/null"),
        .none => {},
    }
    return set;
}

const Neutral = union(enum) { none, copies: copies.Copies, empty };

/// The copies that `exec` uses. Where they are not there, the Node program makes them; in its absence SDKs read nothing instead.
fn neutralFiles(program: Program) !Neutral {
    const config, const credentials = copies.awsFiles(program.own) catch {
        program.becomeNode();
        return .empty;
    };
    if (try system.status(config, .followed) == null and try system.status(credentials, .followed) == null) return .none;
    const state = places.stateOf(program.own) catch null;
    if (state) |directory| if (copies.find(program.own, directory, program.version) catch null) |found| return .{ .copies = found };
    program.becomeNode();
    return .empty;
}

fn putDirectAndMarks(set: *environment.Variables, token: []const u8, own: environment.Environment) !void {
    try environment.putDirect(set, own);
    try environment.putMarks(set, token);
}

/// The bridge in a process of its own, which ends when we do.
fn runBeside(opened: bridge.Bridge, command: Words, environ: [*:null]const ?system.Text, program: Program) !noreturn {
    var ends: [2]c_int = undefined;
    if (std.c.pipe(&ends) != 0) return error.HandOver;
    for (ends) |end| _ = std.c.fcntl(end, std.c.F.SETFD, @as(c_int, std.c.FD_CLOEXEC));
    const beside = std.c.fork();
    if (beside < 0) return error.HandOver;
    if (beside == 0) {
        _ = std.c.close(ends[1]);
        // A terminal's signals are the command's.
        for ([_]std.c.SIG{ .INT, .QUIT, .HUP, .TERM, .PIPE }) |number| run.handle(number, &run.survive);
        detach();
        opened.serve(ends[0]);
    }
    _ = std.c.close(ends[0]);
    _ = std.c.close(opened.listener);
    becoming = .{ .name = std.mem.span(command[0].?), .handOver = program.handOver };
    try run.run(command.ptr, environ, -1, &cannotRun);
}

var becoming: struct { name: []const u8, handOver: *const fn () noreturn } = undefined;

/// In the process that was to become the command.
fn cannotRun() noreturn {
    const is_missing = system.errno() == .NOENT;
    const why = if (is_missing) "command not found" else "cannot run";
    say(text("{s}: {s}", .{ why, bridge.printable(becoming.name) }) catch why, if (is_missing) 127 else 126);
    becoming.handOver();
}

/// Who reads what the command prints must not wait for us.
fn detach() void {
    const nothing = std.c.open("/dev/null", .{ .ACCMODE = .RDWR });
    for (0..2) |fd| _ = std.c.dup2(nothing, @intCast(fd));
}

/// What a shell evaluates; then we serve.
fn print(opened: bridge.Bridge, set: *environment.Variables, own: environment.Environment) !void {
    if (std.c.isatty(1) == 1) return error.HandOver; // where it is told that nothing has changed yet
    const whole = try environment.shellText(own, set.*);
    if (std.c.write(1, whole.ptr, whole.len) != whole.len) return error.HandOver;
    detach();
    opened.serve(-1);
}
