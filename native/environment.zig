//! The environment that we were given and the one that a command or a shell gets: src/cli/access/variables.ts, child-environment.ts
//! and find-lease.ts, name by name. A test compares the two programs for many environments.
const std = @import("std");
const system = @import("system.zig");
const text = system.text;
const eql = std.mem.eql;
const startsWith = std.mem.startsWith;

/// Variables to set, in order; one that is set again keeps its place.
pub const Variables = std.StringArrayHashMapUnmanaged([]const u8);

const uri = "AWS_CONTAINER_CREDENTIALS_FULL_URI";
const token_name = "AWS_CONTAINER_AUTHORIZATION_TOKEN";
const token_file = "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE";
const regions = [_][]const u8{ "AWS_REGION", "AWS_DEFAULT_REGION" };

/// Unset where they are not set anew, in the order in which a shell is told.
const competing = [_][]const u8{
    "AWS_ACCESS_KEY_ID",                      "AWS_SECRET_ACCESS_KEY",     "AWS_SESSION_TOKEN",
    "AWS_SECURITY_TOKEN",                     "AWS_CREDENTIAL_EXPIRATION", "AWS_ACCESS_KEY",
    "AWS_SECRET_KEY",                         "AMAZON_ACCESS_KEY_ID",      "AMAZON_SECRET_ACCESS_KEY",
    "AMAZON_SESSION_TOKEN",                   "AWS_PROFILE",               "AWS_DEFAULT_PROFILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",            "AWS_ROLE_ARN",              "AWS_ROLE_SESSION_NAME",
    "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CREDENTIAL_FILE",       "AWS_CREDENTIAL_PROFILES_FILE",
    "AWS_ACCOUNT_ID",                         uri,                         token_name,
    token_file,
};

pub const Environment = struct {
    entries: [:null]const ?system.Text,

    pub fn get(self: Environment, name: []const u8) ?[]const u8 {
        for (self.entries) |entry| {
            const found, const value = pair(entry) orelse continue;
            if (eql(u8, found, name)) return value;
        }
        return null;
    }

    pub fn filled(self: Environment, name: []const u8) ?[]const u8 {
        const value = self.get(name) orelse return null;
        return if (value.len == 0) null else value;
    }

    /// The token of ours that the variables hold, for the record; one in a file is for the Node program to read.
    pub fn token(self: Environment) !?[]const u8 {
        var parts = std.mem.splitSequence(u8, self.get(uri) orelse "", "/lease/");
        _ = parts.next();
        const found = tokenIn(parts.next() orelse "") orelse tokenIn(self.get(token_name) orelse "");
        return if (found == null and self.get(token_file) != null) error.HandOver else found;
    }

    /// The token, where the variables name the broker's endpoint: that of this shell's lease.
    pub fn shellToken(self: Environment) !?[]const u8 {
        const rest = std.mem.cutPrefix(u8, self.get(uri) orelse "", "http://127.0.0.1:") orelse return null;
        const port, _ = std.mem.cutScalar(u8, rest, '/') orelse return null;
        return if (port.len > 0 and std.mem.findNone(u8, port, "0123456789") == null) self.token() else null;
    }
};

/// Name and value; null: not a variable.
fn pair(entry: ?system.Text) ?struct { []const u8, []const u8 } {
    const whole = std.mem.span(entry.?);
    const end = std.mem.findScalar(u8, whole, '=') orelse return null;
    return if (end == 0) null else .{ whole[0..end], whole[end + 1 ..] };
}

fn tokenIn(given: []const u8) ?[]const u8 {
    const found = std.mem.cutPrefix(u8, given, "Bearer ") orelse given;
    return if (isToken(found)) found else null;
}

pub fn isToken(given: []const u8) bool {
    return given.len == 47 and startsWith(u8, given, "brk_") and isMadeOf(given, "_-");
}

fn isMadeOf(given: []const u8, others: []const u8) bool {
    for (given) |byte| if (!std.ascii.isAlphanumeric(byte) and std.mem.findScalar(u8, others, byte) == null) return false;
    return true;
}

/// What the environment says of the region in one of the two holds for both: clients read one or the other.
pub fn putOwnRegion(set: *Variables, own: Environment) !void {
    const region = own.filled(regions[0]) orelse own.filled(regions[1]) orelse return;
    for (regions) |name| if (own.filled(name) == null) try set.put(system.gpa, name, region);
}

pub fn putRegion(set: *Variables, region: ?[]const u8) !void {
    for (regions) |name| try set.put(system.gpa, name, region orelse return);
}

/// What the endpoint is asked with, in the form `url` where there is no token beside it.
pub fn putEndpoint(set: *Variables, url: []const u8, token: ?[]const u8) !void {
    try set.put(system.gpa, uri, url);
    if (token) |secret| try set.put(system.gpa, token_name, secret);
}

/// No detour to the instance metadata, and no proxy on the way to loopback.
pub fn putDirect(set: *Variables, own: Environment) !void {
    try set.put(system.gpa, "AWS_EC2_METADATA_DISABLED", "true");
    try set.put(system.gpa, "NO_PROXY", try withLoopback(own.get("NO_PROXY") orelse own.get("no_proxy") orelse ""));
    try set.put(system.gpa, "no_proxy", try withLoopback(own.get("no_proxy") orelse own.get("NO_PROXY") orelse ""));
}

/// Each host once, in order, and ours at the end.
fn withLoopback(list: []const u8) ![]const u8 {
    var hosts: Variables = .empty;
    var listed = std.mem.splitScalar(u8, try text("{s},127.0.0.1,localhost", .{list}), ',');
    while (listed.next()) |padded| {
        const host = std.mem.trim(u8, padded, &std.ascii.whitespace);
        for (padded) |byte| if (byte >= 0x80) return error.HandOver; // JavaScript trims other blanks, too
        if (eql(u8, host, "*")) return "*";
        if (host.len > 0) try hosts.put(system.gpa, host, "");
    }
    return std.mem.join(system.gpa, ",", hosts.keys());
}

/// By these a hook in a shell below leaves alone what it was given (src/core/shell-files.ts).
pub fn putMarks(set: *Variables, token: []const u8) !void {
    var hash: [32]u8 = undefined;
    std.crypto.hash.sha2.Sha256.hash(token, &hash, .{});
    try set.put(system.gpa, "CREDBROKER_LEASE", try text("{x}:{s}:exec", .{ hash[0..8], token[token.len - 8 ..] }));
    if (set.get(regions[0])) |region| try set.put(system.gpa, "CREDBROKER_REGION", region);
}

/// The environment of a command: ours without what competes with its lease, and with `set`.
pub fn ofCommand(own: Environment, set: Variables) ![*:null]const ?system.Text {
    var entries: std.ArrayListUnmanaged(?system.Text) = .empty;
    for (own.entries) |entry| {
        const name, _ = pair(entry) orelse continue;
        const is_ours = eql(u8, name, "CREDBROKER_HOOK") or eql(u8, name, "CREDBROKER_SOCKET") or set.contains(name);
        if (!is_ours and !isCompeting(name) and !isOfStage(name)) try entries.append(system.gpa, entry);
    }
    for (set.keys(), set.values()) |name, value| try entries.append(system.gpa, try text("{s}={s}", .{ name, value }));
    return try entries.toOwnedSliceSentinel(system.gpa, null);
}

fn isCompeting(name: []const u8) bool {
    for (competing) |each| if (eql(u8, each, name)) return true;
    return false;
}

/// Of Serverless Framework: `AWS_PROD_PROFILE` and the like.
fn isOfStage(name: []const u8) bool {
    if (!startsWith(u8, name, "AWS_") or std.mem.findAny(u8, name, "\r\n") != null) return false;
    for ([_][]const u8{ "_PROFILE", "_ACCESS_KEY_ID", "_SECRET_ACCESS_KEY", "_SESSION_TOKEN" }) |ending| {
        if (std.mem.endsWith(u8, name, ending) and name.len > "AWS_".len + ending.len) return true;
    }
    return false;
}

/// What a shell evaluates. A value that a shell could take for more than a word is for the Node program.
pub fn shellText(own: Environment, set: Variables) ![]const u8 {
    var lines: []const u8 = "";
    for (set.keys(), set.values()) |name, value| {
        if (!isMadeOf(value, "_./:@%+=,-")) return error.HandOver;
        lines = try text("{s}export {s}='{s}';\n", .{ lines, name, value });
    }
    lines = try text("{s}unset", .{lines});
    for (competing) |name| if (!set.contains(name)) {
        lines = try text("{s} {s}", .{ lines, name });
    };
    for (own.entries) |entry| {
        const name, _ = pair(entry) orelse continue;
        if (isOfStage(name) and !isCompeting(name) and isMadeOf(name, "_")) lines = try text("{s} {s}", .{ lines, name });
    }
    return text("{s};\n", .{lines});
}
