//! A command in our place, as src/cli/access/run-child.ts runs it: our streams, process group and terminal are its own, signals
//! reach it, and its end is ours.
const std = @import("std");
const system = @import("system.zig");
const SIG = std.c.SIG;

/// What a supervisor sends to us and means for the command.
const forwarded = [_]SIG{ .TERM, .HUP, .USR1, .USR2 };
/// A terminal sends these to its whole foreground group: a second one would make many programs give up cleaning up.
const from_terminal = [_]SIG{ .INT, .QUIT };
const none = std.mem.zeroes(std.c.sigset_t);

var child: std.c.pid_t = 0;

/// Runs the command and ends as it does; where it cannot be run, `otherwise` is done in its place.
pub fn run(argv: [*:null]const ?system.Text, environ: [*:null]const ?system.Text, connection: c_int, otherwise: *const fn () noreturn) !noreturn {
    var ours = none;
    for (forwarded ++ from_terminal ++ [_]SIG{.CHLD}) |number| std.posix.sigaddset(&ours, number);
    mask(ours);
    child = std.c.fork();
    if (child < 0) return error.HandOver;
    if (child == 0) {
        // Node keeps these from its commands; what a command has must not depend on which of the two programs ran it.
        for (3..16) |fd| _ = std.c.fcntl(@intCast(fd), std.c.F.SETFD, @as(c_int, std.c.FD_CLOEXEC));
        reset();
        become(argv, environ);
        otherwise();
    }
    const has_terminal = std.c.isatty(0) == 1 or std.c.isatty(1) == 1 or std.c.isatty(2) == 1;
    for (forwarded) |number| handle(number, &forward);
    for (from_terminal) |number| handle(number, if (has_terminal) &survive else &forward);
    handle(.PIPE, &survive);
    handle(.CHLD, &survive);
    const said = try system.text("child {d}\n", .{child});
    _ = std.c.write(connection, said.ptr, said.len);
    var notices: Notices = .{ .connection = connection };
    var status: c_int = 0;
    // Signals come in `wait` only: none can reach a number that is another process's by now.
    while (std.c.waitpid(child, &status, std.c.W.NOHANG) != child) notices.wait();
    if (status & 0x7f == 0) std.c._exit((status >> 8) & 0xff);
    endBy(@fromBackingInt(@intCast(status & 0x7f)));
}

/// What brokerd says meanwhile, in lines; a terminal is shown those that are for it.
const Notices = struct {
    connection: c_int,
    buffer: [2048]u8 = undefined,
    size: usize = 0,

    fn wait(self: *Notices) void {
        var readable = std.mem.zeroes([1024 / 64]u64);
        const bit: u16 = if (self.connection >= 0 and self.connection < 1024) @intCast(self.connection) else return self.sleep();
        readable[bit / 64] = @as(u64, 1) << @intCast(bit % 64);
        if (system.pselect(bit + 1, &readable, null, null, null, &none) <= 0) return;
        const count = std.c.read(self.connection, self.buffer[self.size..].ptr, self.buffer.len - self.size);
        if (count <= 0) self.connection = -1 else self.take(@intCast(count));
    }

    /// brokerd has ended its side, which means nothing.
    fn sleep(_: *Notices) void {
        _ = system.pselect(0, null, null, null, null, &none);
    }

    fn take(self: *Notices, count: usize) void {
        var rest: []const u8 = self.buffer[0 .. self.size + count];
        while (std.mem.cutScalar(u8, rest, '\n')) |parts| : (rest = parts[1]) {
            const told = std.mem.cutPrefix(u8, parts[0], "notice ") orelse continue;
            const line = system.text("brokerctl: {s}\n", .{told}) catch continue;
            if (std.c.isatty(2) == 1) _ = std.c.write(2, line.ptr, line.len);
        }
        self.size = if (rest.len == self.buffer.len) 0 else rest.len;
        std.mem.copyForwards(u8, self.buffer[0..self.size], rest[0..self.size]);
    }
};

/// Another program in our place; returns where it cannot be.
pub fn become(argv: [*:null]const ?system.Text, environ: [*:null]const ?system.Text) void {
    std.c.environ = @ptrCast(@constCast(environ)); // whose PATH is searched
    _ = system.execvp(argv[0].?, argv);
}

/// As the command died: a shell then knows that Ctrl-C was meant for it as well. A core would hold what we hold.
pub fn endBy(number: SIG) noreturn {
    _ = std.c.setrlimit(.CORE, &.{ .cur = 0, .max = 0 });
    handle(number, null);
    mask(none);
    _ = std.c.kill(std.c.getpid(), number);
    std.c._exit(128 + @as(c_int, @intCast(@backingInt(number))));
}

/// Signals as a program begins that another one starts.
pub fn reset() void {
    for (1..32) |number| handle(@fromBackingInt(@intCast(number)), null);
    mask(none);
}

/// null: what the system does by itself.
pub fn handle(number: SIG, handler: ?*const fn (SIG) callconv(.c) void) void {
    const action: std.c.Sigaction = .{ .handler = .{ .handler = handler }, .mask = none, .flags = 0 };
    _ = std.c.sigaction(number, &action, null);
}

fn mask(set: std.c.sigset_t) void {
    _ = std.c.sigprocmask(std.c.SIG.SETMASK, &set, null);
}

fn forward(number: SIG) callconv(.c) void {
    _ = std.c.kill(child, number);
}

pub fn survive(_: SIG) callconv(.c) void {}
