//! One round trip with brokerd, in the form of src/control-api/launch-contract.ts, and one with its endpoint. Buffers are bounded;
//! what does not fit, comes late or reads otherwise than it should is the Node program's.
const std = @import("std");
const system = @import("system.zig");
const environment = @import("environment.zig");
const text = system.text;

pub const Lease = struct {
    token: []const u8,
    lease_url: []const u8,
    credentials_url: []const u8,
    region: ?[]const u8,
    /// Stays open: the lease ends with it.
    connection: c_int,
};

pub const Request = struct {
    kind: enum { exec, @"credential-process", env },
    role: ?[]const u8,
    /// Of an exec without role: the token of this shell's lease.
    like: ?[]const u8,
    /// What our variables hold, for the record.
    token: ?[]const u8,
    version: []const u8,
};

/// Of an answer with its head.
const longest = 8192;

pub fn launch(socket: []const u8, request: Request) !Lease {
    const pid = try text("{d}", .{std.c.getpid()});
    const message = try text("POST /v1/launch HTTP/1.1\r\nHost: credbroker\r\nConnection: Upgrade\r\nUpgrade: credbroker-launch\r\n" ++
        "credbroker-version: {s}\r\ncredbroker-pid: {s}\r\n{s}\r\nlaunch 1\nkind {t}\n{s}{s}{s}only-version {s}\n\n", .{
        request.version,
        pid,
        try line("credbroker-lease: ", request.token, "\r\n"),
        request.kind,
        try line("role ", request.role, "\n"),
        try line("like ", request.like, "\n"),
        try line("pid ", if (request.kind == .env) null else pid, "\n"),
        request.version,
    });
    var address: std.c.sockaddr.un = .{ .path = @splat(0) };
    @memcpy(address.path[0..socket.len], socket);
    const connection = try dial(@ptrCast(&address), @sizeOf(@TypeOf(address)));
    const answer = try exchange(connection, message, "\n\n");
    const lines = answer[std.mem.find(u8, answer, "\r\n\r\nlaunch 1\n") orelse return error.HandOver ..];
    const version = try between(lines, "\nversion ", '\n');
    const lease: Lease = .{
        .token = try between(lines, "\ntoken ", '\n'),
        .lease_url = try between(lines, "\nlease-url ", '\n'),
        .credentials_url = try between(lines, "\ncredentials-url ", '\n'),
        .region = between(lines, "\nregion ", '\n') catch null,
        .connection = connection,
    };
    const is_given = std.mem.startsWith(u8, answer, "HTTP/1.1 101 ") and std.mem.eql(u8, version, request.version);
    return if (is_given and environment.isToken(lease.token)) lease else error.HandOver;
}

fn line(name: []const u8, value: ?[]const u8, end: []const u8) ![]const u8 {
    return if (value) |given| text("{s}{s}{s}", .{ name, given, end }) else "";
}

/// What follows `start`, up to `end`.
pub fn between(whole: []const u8, start: []const u8, end: u8) ![]const u8 {
    _, const rest = std.mem.cut(u8, whole, start) orelse return error.HandOver;
    const found, _ = std.mem.cutScalar(u8, rest, end) orelse return error.HandOver;
    return found;
}

/// What the endpoint serves to the lease: a flat JSON object of strings, in which nothing is escaped.
pub fn fetch(lease: Lease) ![]const u8 {
    const port = try between(lease.credentials_url, "http://127.0.0.1:", '/');
    const form = "GET /creds HTTP/1.1\r\nHost: 127.0.0.1:{s}\r\nAuthorization: {s}\r\nConnection: close\r\n\r\n";
    const address: std.c.sockaddr.in = .{
        .port = std.mem.nativeToBig(u16, try std.fmt.parseInt(u16, port, 10)),
        .addr = std.mem.nativeToBig(u32, 0x7f000001),
    };
    const connection = try dial(@ptrCast(&address), @sizeOf(@TypeOf(address)));
    const answer = try exchange(connection, try text(form, .{ port, lease.token }), "\"}");
    _, const body = std.mem.cut(u8, answer, "\r\n\r\n") orelse return error.HandOver;
    for (body) |byte| if (byte == '\\' or byte < ' ' or byte > '~') return error.HandOver;
    return if (std.mem.startsWith(u8, answer, "HTTP/1.1 200 ")) body else error.HandOver;
}

/// A connection that no other program inherits.
fn dial(address: *const std.c.sockaddr, size: usize) !c_int {
    const connection = std.c.socket(address.family, std.c.SOCK.STREAM, 0);
    _ = std.c.fcntl(connection, std.c.F.SETFD, @as(c_int, std.c.FD_CLOEXEC));
    _ = std.c.fcntl(connection, std.c.F.SETFL, @as(c_int, @bitCast(std.c.O{ .NONBLOCK = true })));
    const failed = std.c.connect(connection, address, @intCast(size)) != 0 and system.errno() != .INPROGRESS;
    return if (failed) error.HandOver else connection;
}

/// Sends what is less than any socket holds, and reads until `end` is the end of what came.
fn exchange(connection: c_int, message: []const u8, end: []const u8) ![]const u8 {
    try wait(connection, std.c.POLL.OUT);
    if (std.c.write(connection, message.ptr, message.len) != message.len) return error.HandOver;
    const buffer = try system.gpa.alloc(u8, longest);
    var size: usize = 0;
    while (!std.mem.endsWith(u8, buffer[0..size], end)) {
        try wait(connection, std.c.POLL.IN);
        const count = std.c.read(connection, buffer[size..].ptr, buffer.len - size);
        if (count <= 0) return error.HandOver;
        size += @intCast(count);
    }
    return buffer[0..size];
}

/// A person who watches is told by the Node program what is waited for, once that takes longer than a second.
fn wait(connection: c_int, event: i16) !void {
    var waited: std.c.pollfd = .{ .fd = connection, .events = event, .revents = 0 };
    const patience: c_int = if (std.c.isatty(2) == 1) 1000 else 10_000;
    // Interrupted: stopped, and continued.
    while (std.c.poll(@ptrCast(&waited), 1, patience) <= 0) if (system.errno() != .INTR) return error.HandOver;
}
