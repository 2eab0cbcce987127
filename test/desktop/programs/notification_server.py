"""A desktop's notification server (org.freedesktop.Notifications 1.2) that prints each notice it gets as a line of JSON."""

import json
import sys

import dbus
import dbus.service
from dbus.mainloop.glib import DBusGMainLoop
from gi.repository import GLib

NAME = "org.freedesktop.Notifications"


class Server(dbus.service.Object):
    @dbus.service.method(NAME, in_signature="susssasa{sv}i", out_signature="u")
    def Notify(self, app, replaces, icon, summary, body, actions, hints, timeout):
        print(json.dumps({"app": app, "icon": icon, "title": summary, "body": body, "actions": actions}), flush=True)
        return dbus.UInt32(1)

    @dbus.service.method(NAME, out_signature="as")
    def GetCapabilities(self):
        return ["body", "body-markup"]

    @dbus.service.method(NAME, out_signature="ssss")
    def GetServerInformation(self):
        return ("test", "credbroker", "1", "1.2")


DBusGMainLoop(set_as_default=True)
bus = dbus.SessionBus()
name = dbus.service.BusName(NAME, bus)
server = Server(bus, "/org/freedesktop/Notifications")
loop = GLib.MainLoop()
# It ends with the test, however that ends.
GLib.io_add_watch(sys.stdin, GLib.IO_HUP, lambda *_: loop.quit())
print("ready", flush=True)
loop.run()
