//! The port of `forward`: src/cli/forward/bridge.ts. A process for each connection, which ends with its answer: none waits for another.
const std = @import("std");
const system = @import("system.zig");
const guard = @import("guard.zig");
const lease_socket = @import("lease_socket.zig");
const run = @import("run.zig");
const text = system.text;

const longest_head = 8 * 1024;
/// From the connection to the end of the head.
const head_ms = 2000;
/// SDKs give up after 1 s.
const patience_ms = 900;
/// Connections under way; others wait in the kernel's queue.
const most = 256;

pub const Bridge = struct {
    listener: c_int,
    port: u16,
    token: []const u8,
    socket: []const u8,

    /// Answers until the other end of `alive` is closed; -1: until a signal ends this process.
    pub fn serve(self: Bridge, alive: c_int) noreturn {
        var workers: usize = 0;
        while (true) {
            var waited = [_]std.c.pollfd{
                .{ .fd = if (workers < most) self.listener else -1, .events = std.c.POLL.IN, .revents = 0 },
                .{ .fd = alive, .events = std.c.POLL.IN, .revents = 0 },
            };
            _ = std.c.poll(&waited, waited.len, if (workers == 0) -1 else 100);
            if (waited[1].revents != 0) std.c._exit(0);
            var status: c_int = 0;
            while (workers > 0 and std.c.waitpid(-1, &status, std.c.W.NOHANG) > 0) workers -= 1;
            if (waited[0].revents == 0) continue;
            const client = std.c.accept(self.listener, null, null);
            if (client < 0) continue;
            const worker = std.c.fork();
            if (worker == 0) {
                _ = std.c.close(self.listener);
                self.answer(client);
                std.c._exit(0);
            }
            if (worker > 0) workers += 1;
            _ = std.c.close(client);
        }
    }

    fn answer(self: Bridge, client: c_int) void {
        run.handle(.PIPE, &run.survive);
        const buffer = system.gpa.alloc(u8, longest_head) catch return;
        const end = lease_socket.now() + head_ms;
        var size: usize = 0;
        const head, const more = while (true) {
            if (std.mem.cut(u8, buffer[0..size], "\r\n\r\n")) |parts| break parts;
            if (size == buffer.len) return refuse(client, guard.malformed);
            if (!lease_socket.isReadable(client, end)) return;
            const count = std.c.read(client, buffer[size..].ptr, buffer.len - size);
            if (count <= 0) return;
            size += @intCast(count);
        };
        if (guard.refusalOf(head, self.port, self.token)) |refusal| return refuse(client, refusal);
        if (more.len > 0) return refuse(client, guard.with_body);
        const answered = lease_socket.ask(self.socket, patience_ms) catch |failure| return tell(client, "503", switch (failure) {
            error.Late => .{ .code = "CredentialsPending", .message = "brokerd has not answered yet" },
            error.Away => .{ .code = "DaemonUnreachable", .message = unreachable_(self.socket) },
            error.Foreign => .{ .code = "InternalError", .message = foreign(self.socket) },
        });
        send(client, answered.whole);
    }
};

pub fn unreachable_(socket: []const u8) []const u8 {
    return text("no program answers on {s}: brokerd does not run, or the lease has ended; to fix it: brokerctl lease list    # where brokerd runs", .{printable(socket)}) catch "no program answers on the socket of the lease";
}

pub fn foreign(socket: []const u8) []const u8 {
    return text("what answers on {s} is not brokerd", .{printable(socket)}) catch "what answers is not brokerd";
}

/// In JSON and on a terminal a byte is what it looks like.
pub fn printable(given: []const u8) []const u8 {
    const copy = system.gpa.dupe(u8, given) catch return "?";
    for (copy) |*byte| if (byte.* < ' ' or byte.* > '~' or byte.* == '"' or byte.* == '\\') {
        byte.* = '?';
    };
    return copy;
}

/// Listens on 127.0.0.1; port 0: any that is free. `Down`: the namespace has no loopback.
pub fn listen(port: u16) error{ Down, Taken }!struct { c_int, u16 } {
    const listener = std.c.socket(std.c.AF.INET, std.c.SOCK.STREAM, 0);
    _ = std.c.fcntl(listener, std.c.F.SETFD, @as(c_int, std.c.FD_CLOEXEC));
    const yes: c_int = 1;
    _ = std.c.setsockopt(listener, std.c.SOL.SOCKET, std.c.SO.REUSEADDR, &yes, @sizeOf(c_int));
    var address: std.c.sockaddr.in = .{ .port = std.mem.nativeToBig(u16, port), .addr = std.mem.nativeToBig(u32, 0x7f000001) };
    if (std.c.bind(listener, @ptrCast(&address), @sizeOf(@TypeOf(address))) != 0) {
        return if (system.errno() == .ADDRNOTAVAIL) error.Down else error.Taken;
    }
    if (std.c.listen(listener, 1024) != 0) return error.Taken;
    var size: std.c.socklen_t = @sizeOf(@TypeOf(address));
    if (std.c.getsockname(listener, @ptrCast(&address), &size) != 0) return error.Taken;
    try refuseLoopbackDown(address);
    return .{ listener, std.mem.bigToNative(u16, address.port) };
}

/// In a new network namespace a port can be listened on, and not be reached.
fn refuseLoopbackDown(address: std.c.sockaddr.in) error{Down}!void {
    const reached = std.c.socket(std.c.AF.INET, std.c.SOCK.STREAM, 0);
    defer _ = std.c.close(reached);
    if (std.c.connect(reached, @ptrCast(&address), @sizeOf(@TypeOf(address))) != 0) return error.Down;
}

fn refuse(client: c_int, refusal: guard.Refusal) void {
    tell(client, "403", refusal);
}

/// As src/http/json-answer.ts writes it.
fn tell(client: c_int, status: []const u8, said: guard.Refusal) void {
    const body = text("{{\"code\":\"{s}\",\"message\":\"{s}\",\"Code\":\"{s}\",\"Message\":\"{s}\"}}", .{ said.code, said.message, said.code, said.message }) catch return;
    const head = "HTTP/1.1 {s} {s}\r\nContent-Type: application/json\r\nContent-Length: {d}\r\nCache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nConnection: close\r\n\r\n{s}";
    send(client, text(head, .{ status, said.message[0..@min(said.message.len, 200)], body.len, body }) catch return);
}

/// What is still to be read is read: a connection that is closed before that is reset, and the answer with it.
fn send(client: c_int, whole: []const u8) void {
    var rest = whole;
    while (rest.len > 0) {
        const count = std.c.write(client, rest.ptr, rest.len);
        if (count <= 0) return;
        rest = rest[@intCast(count)..];
    }
    _ = std.c.shutdown(client, std.c.SHUT.WR);
    var ignored: [4096]u8 = undefined;
    const end = lease_socket.now() + 500;
    while (lease_socket.isReadable(client, end)) if (std.c.read(client, &ignored, ignored.len) <= 0) return;
}
