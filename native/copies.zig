//! The copies of `~/.aws` without what competes, as their stamp has them (src/cli/aws-files/copies-stamp.ts). Nothing of those
//! files is read or judged here: where one is no longer what it was, the Node program makes the copies anew.
const std = @import("std");
const system = @import("system.zig");
const environment = @import("environment.zig");
const places = @import("places.zig");
const text = system.text;

const longest_stamp = 64 * 1024;

pub const Copies = struct {
    /// A shell does not get them, and nothing is said of them.
    are_for_commands_only: bool,
    /// Lines `set NAME=VALUE` of what gets the copies, and `default NAME=VALUE` for those whose environment does not say it.
    lines: []const u8,

    pub fn put(self: Copies, set: *environment.Variables, comptime name: []const u8, own: ?environment.Environment) !void {
        var lines = std.mem.splitScalar(u8, self.lines, '\n');
        while (lines.next()) |line| {
            const setting = std.mem.cutPrefix(u8, line, name ++ " ") orelse continue;
            const variable, const value = std.mem.cutScalar(u8, setting, '=') orelse return error.HandOver;
            const is_set = if (own) |all| all.filled(variable) != null else false;
            if (!is_set) try set.put(system.gpa, variable, value);
        }
    }
};

/// Each file is the one that the stamp speaks of: a stamp that were written now would begin in the same way.
pub fn find(own: environment.Environment, state: [:0]const u8, version: []const u8) !Copies {
    const config, const credentials = try awsFiles(own);
    const boto = try said("boto", try named(own, "BOTO_CONFIG", ".boto"));
    const in_etc = if (own.get("BOTO_CONFIG") == null) try said("boto", "/etc/boto.cfg") else "";
    var hash: [32]u8 = undefined;
    std.crypto.hash.sha2.Sha256.hash(config, &hash, .{});
    const has_copies = std.mem.startsWith(u8, config, try text("{s}/aws/", .{state}));
    const directory = if (has_copies) std.fs.path.dirname(config).? else try text("{s}/aws/{x}", .{ state, hash[0..6] });
    const config_copy = try text("{s}/config", .{directory});
    const credentials_copy = try text("{s}/credentials", .{directory});

    try places.refuseOthers(state, std.c.S.IFDIR);
    var rest = try after(try text("stamp 1\ngenerator {s}\n", .{version}), try read(try text("{s}/stamp", .{directory})));
    if (std.mem.eql(u8, config, config_copy) and std.mem.eql(u8, credentials, credentials_copy)) {
        rest = rest[(std.mem.find(u8, rest, "\nboto ") orelse return error.HandOver) + 1 ..]; // past what was copied
    } else {
        rest = try after(try said("config", config), rest);
        rest = try after(try said("credentials", credentials), rest);
    }
    rest = try after(try text("{s}{s}", .{ in_etc, boto }), rest);
    rest = try after(try said("copy", config_copy), rest);
    rest = try after(try said("copy", credentials_copy), rest);
    if (!std.mem.endsWith(u8, rest, "\nend -\n")) return error.HandOver;
    return .{ .are_for_commands_only = std.mem.startsWith(u8, rest, "competing no\n"), .lines = rest };
}

/// The two files of `~/.aws`.
pub fn awsFiles(own: environment.Environment) !struct { [:0]const u8, [:0]const u8 } {
    const config = try named(own, "AWS_CONFIG_FILE", ".aws/config");
    const credentials = try named(own, "AWS_SHARED_CREDENTIALS_FILE", ".aws/credentials");
    return .{ try text("{s}", .{config}), try text("{s}", .{credentials}) };
}

/// A file as its variable names it, else below the home. A name that has to be worked out is the Node program's.
fn named(own: environment.Environment, variable: []const u8, below_home: []const u8) ![]const u8 {
    const path = own.get(variable) orelse return text("{s}/{s}", .{ try places.homeOf(own), below_home });
    const is_worked_out = path.len == 0 or path[0] == '~' or std.mem.findScalar(u8, path, '$') != null;
    return if (is_worked_out) error.HandOver else path;
}

/// The line on a file as it is now.
fn said(name: []const u8, path: []const u8) ![]const u8 {
    const found = try system.status(try text("{s}", .{path}), .followed) orelse return text("{s} absent {s}\n", .{ name, path });
    if (!found.isA(std.c.S.IFREG)) return error.HandOver;
    const i = found.identity;
    return text("{s} {d}:{d}:{d}:{d}:{d} {s}\n", .{ name, i[0], i[1], i[2], i[3], i[4], path });
}

fn after(start: []const u8, whole: []const u8) ![]const u8 {
    return std.mem.cutPrefix(u8, whole, start) orelse error.HandOver;
}

fn read(path: system.Text) ![]const u8 {
    const file = std.c.open(path, .{ .ACCMODE = .RDONLY, .CLOEXEC = true });
    if (file < 0) return error.HandOver;
    defer _ = std.c.close(file);
    const buffer = try system.gpa.alloc(u8, longest_stamp);
    const count = std.c.read(file, buffer.ptr, buffer.len);
    return if (count < 0) error.HandOver else buffer[0..@intCast(count)];
}
