//! One `GET /creds` over the unix socket of a lease, as src/cli/forward/ask-socket.ts asks.
const std = @import("std");
const system = @import("system.zig");
const text = system.text;

/// More is no answer of brokerd's.
const longest = 64 * 1024;
/// brokerd may be in the middle of a restart.
const retry_ms = 50;

pub const Answer = struct {
    /// With its head, as brokerd sent it; the connection ended behind it.
    whole: []const u8,
    status: []const u8,
    head: []const u8,
    body: []const u8,
};

pub const Failure = error{ Away, Late, Foreign };

/// Tried again while no program listens, for `limit_ms` in all.
pub fn ask(path: []const u8, limit_ms: i64) Failure!Answer {
    const end = now() + limit_ms;
    while (true) {
        return askOnce(path, end) catch |failure| {
            if (failure != error.Away or now() + retry_ms >= end) return failure;
            pause(retry_ms);
            continue;
        };
    }
}

fn askOnce(path: []const u8, end: i64) Failure!Answer {
    const connection = try dial(path);
    defer _ = std.c.close(connection);
    const question = "GET /creds HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    if (std.c.write(connection, question, question.len) != question.len) return error.Away;
    const buffer = system.gpa.alloc(u8, longest) catch return error.Foreign;
    var size: usize = 0;
    while (true) {
        if (!isReadable(connection, end)) return error.Late;
        const count = std.c.read(connection, buffer[size..].ptr, buffer.len - size);
        if (count < 0) return error.Away;
        if (count == 0) break;
        size += @intCast(count);
        if (size == buffer.len) return error.Foreign;
    }
    // Cut off: brokerd ended meanwhile.
    return if (size == 0) error.Away else parse(buffer[0..size]);
}

fn parse(whole: []const u8) Failure!Answer {
    const head, const body = std.mem.cut(u8, whole, "\r\n\r\n") orelse return error.Away;
    const status = std.mem.cutPrefix(u8, head, "HTTP/1.1 ") orelse return error.Foreign;
    if (status.len < 3) return error.Foreign;
    const length = headerOf(head, "content-length") orelse return error.Foreign;
    const expected = std.fmt.parseInt(usize, length, 10) catch return error.Foreign;
    if (body.len < expected) return error.Away;
    if (body.len > expected) return error.Foreign;
    return .{ .whole = whole, .status = status[0..3], .head = head, .body = body };
}

pub fn headerOf(head: []const u8, name: []const u8) ?[]const u8 {
    var lines = std.mem.splitSequence(u8, head, "\r\n");
    while (lines.next()) |line| {
        const found, const value = std.mem.cutScalar(u8, line, ':') orelse continue;
        if (std.ascii.eqlIgnoreCase(found, name)) return std.mem.trim(u8, value, " \t");
    }
    return null;
}

fn dial(path: []const u8) Failure!c_int {
    var address: std.c.sockaddr.un = .{ .path = @splat(0) };
    @memcpy(address.path[0..path.len], path);
    const connection = std.c.socket(address.family, std.c.SOCK.STREAM, 0);
    if (connection < 0) return error.Away;
    _ = std.c.fcntl(connection, std.c.F.SETFD, @as(c_int, std.c.FD_CLOEXEC));
    if (std.c.connect(connection, @ptrCast(&address), @sizeOf(@TypeOf(address))) == 0) return connection;
    _ = std.c.close(connection);
    return error.Away;
}

/// False: not until `end`.
pub fn isReadable(fd: c_int, end: i64) bool {
    while (true) {
        const left = end - now();
        if (left <= 0) return false;
        var waited: std.c.pollfd = .{ .fd = fd, .events = std.c.POLL.IN, .revents = 0 };
        const count = std.c.poll(@ptrCast(&waited), 1, @intCast(@min(left, 60_000)));
        if (count > 0) return true;
        if (count < 0 and system.errno() != .INTR) return false;
    }
}

/// Milliseconds, of no particular beginning.
pub fn now() i64 {
    var time: std.c.timespec = undefined;
    _ = std.c.clock_gettime(.MONOTONIC, &time);
    return @as(i64, time.sec) * 1000 + @divTrunc(@as(i64, time.nsec), 1_000_000);
}

pub fn pause(milliseconds: c_int) void {
    var nothing: std.c.pollfd = .{ .fd = -1, .events = 0, .revents = 0 };
    _ = std.c.poll(@ptrCast(&nothing), 1, milliseconds);
}
