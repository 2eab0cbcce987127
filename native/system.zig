//! The few things in which Linux and macOS differ, or that Zig's `std.c` does not have.
const std = @import("std");

pub const is_mac = @import("builtin").os.tag == .macos;
pub const Text = [*:0]const u8;
/// Nothing is given back: the program ends, or another one takes its place.
pub const gpa = std.heap.c_allocator;

/// What is told where there is no Node program to hand over to, and the exit code that goes with it.
pub var told: ?[]const u8 = null;
pub var exit: c_int = 1;

pub extern "c" fn execvp(program: Text, argv: [*:null]const ?Text) c_int;
pub extern "c" fn pselect(above: c_int, reads: ?*[16]u64, writes: ?*[16]u64, others: ?*[16]u64, limit: ?*const std.c.timespec, mask: *const std.c.sigset_t) c_int;

pub fn text(comptime form: []const u8, parts: anytype) ![:0]u8 {
    return std.fmt.allocPrintSentinel(gpa, form, parts, 0);
}

pub fn errno() std.c.E {
    return std.c.errno(-1);
}

pub const Status = struct {
    /// What it is (`std.c.S.IF…`), and permissions.
    mode: u32,
    uid: u32,
    /// As the stamp of the copies has it: device, inode, size, nanoseconds of the last change of content and of inode.
    identity: [5]i128,

    pub fn isA(self: Status, kind: u32) bool {
        return self.mode & 0o170000 == kind;
    }
};

/// What stands at the path, through links or at the link itself; null: nothing.
pub fn status(path: Text, links: enum { followed, seen }) !?Status {
    var s: if (is_mac) std.c.Stat else std.os.linux.Statx = undefined;
    const flags: u32 = if (links == .followed) 0 else std.c.AT.SYMLINK_NOFOLLOW;
    const at = std.c.AT.FDCWD;
    if ((if (is_mac) std.c.fstatat(at, path, &s, flags) else std.c.statx(at, path, flags, .BASIC_STATS, &s)) != 0) {
        return if (errno() == .NOENT or errno() == .NOTDIR) null else error.HandOver;
    }
    const changed = if (is_mac) .{ s.mtime(), s.ctime() } else .{ s.mtime, s.ctime };
    const identity = .{ deviceOf(s), s.ino, s.size, nanoseconds(changed[0]), nanoseconds(changed[1]) };
    return .{ .mode = s.mode, .uid = s.uid, .identity = identity };
}

fn deviceOf(s: anytype) i128 {
    if (is_mac) return s.dev;
    const major: u64 = s.dev_major;
    const minor: u64 = s.dev_minor;
    return (major >> 12 << 44) | ((major & 0xfff) << 8) | (minor >> 8 << 20) | (minor & 0xff); // makedev(3)
}

fn nanoseconds(time: anytype) i128 {
    return @as(i128, time.sec) * std.time.ns_per_s + time.nsec;
}

/// Where this program is, links followed.
pub fn ownPath() ![]const u8 {
    const buffer = try gpa.alloc(u8, 4096);
    if (is_mac) {
        var size: u32 = 4096;
        if (std.c._NSGetExecutablePath(buffer.ptr, &size) != 0) return error.HandOver;
        return std.mem.span(std.c.realpath(try text("{s}", .{std.mem.sliceTo(buffer, 0)}), buffer.ptr) orelse return error.HandOver);
    }
    const size = std.c.readlink("/proc/self/exe", buffer.ptr, buffer.len);
    return if (size < 0) error.HandOver else buffer[0..@intCast(size)];
}
