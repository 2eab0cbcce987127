//! Where brokerd of this user is, as src/system/paths.ts says it, and that nobody else can have put another there, as
//! src/files/private-directory.ts looks at it. What those refuse or work out (links, `..`, no HOME) is left to them.
const std = @import("std");
const system = @import("system.zig");
const Environment = @import("environment.zig").Environment;
const text = system.text;

pub const Places = struct { state: [:0]const u8, socket: [:0]const u8 };

/// sun_path of macOS, without its end.
const longest_socket_path = 103;

/// After all that leads to the socket was looked at: it is this user's, and closed to others.
pub fn find(own: Environment) !Places {
    const all = try homeOfAll(own);
    if (all) |home| try refuseSwappable(home);
    const state = try stateOf(own);
    const runs = absolute(own.get("XDG_RUNTIME_DIR")) orelse try ofLogin();
    const run = if (all) |home|
        try text("{s}/run", .{home})
    else if (runs) |base| try text("{s}/credbroker", .{try plain(base)}) else try text("{s}/run", .{state});
    const socket = try text("{s}/control.sock", .{run});
    if (socket.len > longest_socket_path or std.c.geteuid() != std.c.getuid()) return error.HandOver;
    try refuseOthers(run, std.c.S.IFDIR);
    try refuseOthers(socket, std.c.S.IFSOCK);
    return .{ .state = state, .socket = socket };
}

/// Where the copies of `~/.aws` are, among others.
pub fn stateOf(own: Environment) ![:0]const u8 {
    if (try homeOfAll(own)) |home| return text("{s}/state", .{home});
    const states = absolute(own.get("XDG_STATE_HOME")) orelse try text("{s}/.local/state", .{try homeOf(own)});
    return text("{s}/credbroker", .{try plain(states)});
}

pub fn homeOf(own: Environment) ![]const u8 {
    return plain(own.filled("HOME") orelse return error.HandOver);
}

/// What holds state and socket, where one directory does.
fn homeOfAll(own: Environment) !?[]const u8 {
    if (own.filled("CREDBROKER_HOME")) |home| return try plain(home);
    return if (system.is_mac) try text("{s}/Library/Application Support/credbroker", .{try homeOf(own)}) else null;
}

/// Also where the shell does not name it (cron, `ssh host command`).
fn ofLogin() !?[]const u8 {
    const directory = try text("/run/user/{d}", .{std.c.getuid()});
    const found = try system.status(directory, .followed) orelse return null;
    return if (found.isA(std.c.S.IFDIR) and found.uid == std.c.getuid()) directory else null;
}

/// The XDG specification ignores relative paths.
fn absolute(path: ?[]const u8) ?[]const u8 {
    return if (std.mem.startsWith(u8, path orelse return null, "/")) path else null;
}

/// An absolute path of which Node's `join` makes what it is.
fn plain(path: []const u8) ![]const u8 {
    var names = std.mem.splitScalar(u8, path, '/');
    if (!std.mem.eql(u8, names.first(), "")) return error.HandOver;
    while (names.next()) |name| for ([_][]const u8{ "", ".", ".." }) |other| if (std.mem.eql(u8, name, other)) return error.HandOver;
    return path;
}

pub fn refuseOthers(path: system.Text, kind: u32) !void {
    const found = try system.status(path, .seen) orelse return error.HandOver;
    if (!found.isA(kind) or found.uid != std.c.getuid() or found.mode & 0o077 != 0) return error.HandOver;
}

/// Who can write into it, or into a directory above it, could put another in its place; a sticky one (/tmp) keeps names.
fn refuseSwappable(home: []const u8) !void {
    var path = home;
    while (true) : (path = std.fs.path.dirname(path) orelse return) {
        const found = try system.status(try text("{s}", .{path}), .seen) orelse return error.HandOver;
        const is_above = path.len < home.len;
        const is_writable = if (is_above) found.mode & 0o1002 == 0o002 else found.mode & 0o022 != 0;
        const is_foreign = found.uid != std.c.getuid() and found.uid != 0;
        if (!found.isA(std.c.S.IFDIR) or is_foreign or is_writable) return error.HandOver;
    }
}
