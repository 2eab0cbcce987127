//! `landlock-exec [CMD…]`: CMD in our place, kept from sockets of the "abstract" namespace that programs outside listen on
//! (src/cli/sandbox/abstract-sockets.ts): no mount hides those, and Node cannot ask the kernel for it. Without CMD, whether the kernel can.
const std = @import("std");
const environment = @import("environment.zig");
const run = @import("run.zig");
const system = @import("system.zig");

pub const word = "landlock-exec";

/// linux/landlock.h; scopes are known from the sixth version on, Linux 6.12.
const Attributes = extern struct { handled_access_fs: u64 = 0, handled_access_net: u64 = 0, scoped: u64 = 0 };
const scope_abstract_unix_socket = 1;
const ask_version: c_ulong = 1;
const least_version = 6;
const none: c_ulong = 0;
/// The same on every machine.
const create_ruleset: c_long = 444;
const restrict_self: c_long = 446;
const set_no_new_privs: c_int = 38;

extern "c" fn syscall(number: c_long, ...) c_long;
extern "c" fn prctl(option: c_int, ...) c_int;

pub fn exec(command: [:null]const ?system.Text, own: environment.Environment) noreturn {
    const nothing: ?*const Attributes = null;
    if (syscall(create_ruleset, nothing, @as(usize, 0), ask_version) < least_version) fail("this kernel has no Landlock of version 6");
    if (command.len == 0) std.c._exit(0);
    const attributes: Attributes = .{ .scoped = scope_abstract_unix_socket };
    const rules = syscall(create_ruleset, &attributes, @as(usize, @sizeOf(Attributes)), none);
    if (rules < 0) fail("the kernel takes no rules of Landlock");
    if (prctl(set_no_new_privs, @as(c_ulong, 1), @as(c_ulong, 0), @as(c_ulong, 0), @as(c_ulong, 0)) != 0) fail("no_new_privs cannot be set");
    if (syscall(restrict_self, @as(c_long, rules), none) != 0) fail("Landlock cannot be set");
    _ = std.c.close(@intCast(rules));
    run.reset();
    run.become(command.ptr, own.entries.ptr);
    const is_missing = system.errno() == .NOENT or system.errno() == .NOTDIR;
    const told = system.text("brokerctl: error: {s}: {s}\n", .{ if (is_missing) "command not found in the sandbox" else "cannot run", std.mem.span(command[0].?) }) catch "";
    end(if (is_missing) 127 else 126, told);
}

fn fail(comptime why: []const u8) noreturn {
    end(125, "brokerctl: error: " ++ why ++ "\n");
}

fn end(code: c_int, told: []const u8) noreturn {
    _ = std.c.write(2, told.ptr, told.len);
    std.c._exit(code);
}
