//! What of a request no AWS SDK sends, and a browser, a proxy or a server that was tricked does: src/http/request-guard.ts, for the
//! one path of `forward`.
const std = @import("std");
const eql = std.mem.eql;
const isNamed = std.ascii.eqlIgnoreCase;

pub const Refusal = struct { code: []const u8, message: []const u8 };

const other_path: Refusal = .{ .code = "LeaseUnknown", .message = "only GET /creds is answered" };
const other_token: Refusal = .{
    .code = "LeaseUnknown",
    .message = "the request has not the token of this forward in Authorization; to fix it: use the variables that this `brokerctl forward` set",
};
pub const malformed = refused("the request is malformed or too large");
pub const with_body = refused("a request with a body is not answered");

fn refused(message: []const u8) Refusal {
    return .{ .code = "RequestRefused", .message = message };
}

/// Of a head without its empty line; null: it may be answered.
pub fn refusalOf(head: []const u8, port: u16, token: []const u8) ?Refusal {
    var lines = std.mem.splitSequence(u8, head, "\r\n");
    var words = std.mem.splitScalar(u8, lines.first(), ' ');
    const method = words.first();
    const target = words.next() orelse return malformed;
    if (!eql(u8, words.next() orelse return malformed, "HTTP/1.1")) return refused("only HTTP/1.1 is answered");
    if (words.next() != null) return malformed;
    var hosts: usize = 0;
    var tokens: usize = 0;
    var is_ours = false;
    while (lines.next()) |line| {
        const name, const padded = std.mem.cutScalar(u8, line, ':') orelse return malformed;
        if (name.len == 0) return malformed;
        for (name) |byte| if (byte <= ' ' or byte > '~') return malformed;
        for (padded) |byte| if (byte < ' ' and byte != '\t') return malformed;
        const value = std.mem.trim(u8, padded, " \t");
        if (isNamed(name, "host")) {
            hosts += 1;
            if (!isOurHost(value, port)) return refused("the Host is not ours");
        }
        if (isNamed(name, "authorization")) {
            tokens += 1;
            is_ours = isSame(withoutScheme(value), token);
        }
        if (refusalOfHeader(name, value)) |refusal| return refusal;
    }
    if (hosts != 1) return refused("a request has exactly one Host");
    if (tokens > 1) return refused("a request has at most one Authorization");
    if (!eql(u8, method, "GET") or !eql(u8, target, "/creds")) return other_path;
    return if (is_ours) null else other_token;
}

fn refusalOfHeader(name: []const u8, value: []const u8) ?Refusal {
    for ([_][]const u8{ "origin", "referer", "cookie" }) |other| if (isNamed(name, other)) return refused("the request comes from a browser");
    if (isNamed(name, "sec-fetch-site") and !eql(u8, value, "none")) return refused("the request comes from a browser");
    const is_proxy = isNamed(name, "forwarded") or isNamed(name, "via") or std.ascii.startsWithIgnoreCase(name, "x-forwarded-");
    if (is_proxy) return refused("the request comes through a proxy");
    for ([_][]const u8{ "transfer-encoding", "upgrade", "expect" }) |other| if (isNamed(name, other)) return with_body;
    if (isNamed(name, "content-length") and (value.len == 0 or std.mem.findNone(u8, value, "0") != null)) return with_body;
    return null;
}

/// The AWS CRT sends no port.
fn isOurHost(host: []const u8, port: u16) bool {
    for ([_][]const u8{ "127.0.0.1", "localhost", "[::1]" }) |name| {
        if (!std.ascii.startsWithIgnoreCase(host, name)) continue;
        const rest = host[name.len..];
        var buffer: [8]u8 = undefined;
        const own = std.fmt.bufPrint(&buffer, ":{d}", .{port}) catch return false;
        if (rest.len == 0 or eql(u8, rest, own)) return true;
    }
    return false;
}

/// SDKs send the variable's value as it is, users write `Bearer` before it.
fn withoutScheme(value: []const u8) []const u8 {
    if (!std.ascii.startsWithIgnoreCase(value, "bearer ")) return value;
    return std.mem.trimStart(u8, value["bearer ".len..], " ");
}

/// In a time that tells nothing of the token.
fn isSame(given: []const u8, token: []const u8) bool {
    var one: [32]u8 = undefined;
    var other: [32]u8 = undefined;
    std.crypto.hash.sha2.Sha256.hash(given, &one, .{});
    std.crypto.hash.sha2.Sha256.hash(token, &other, .{});
    var difference: u8 = 0;
    for (one, other) |a, b| difference |= a ^ b;
    return difference == 0;
}
