/* SPDX-License-Identifier: Apache-2.0 */
/*
 * firewalld refuses to forward from interfaces that it does not know; its zone "trusted" is there to be given ones
 * (firewalld.dbus(5)). What it is told so it forgets when it is reloaded: it is told again when the rules of the host
 * have changed (firewall.c).
 */
#include <string.h>
#include <unistd.h>

#include "net/firewall.h"
#include "sys/dbus.h"

bool firewall_firewalld_runs(void)
{
        return access("/run/firewalld", F_OK) == 0;
}

/* Its directory may outlive it: it is not started by our question (dbus_message_write()). */
static void call(const char *member, const char *interface)
{
        own_dbus struct dbus bus = { .fd = -1 };
        own_dbus_message struct dbus_message answer = {};
        own_buf struct buf body = {};
        struct dbus_message call = { .type = DBUS_METHOD_CALL,
                                     .destination = "org.fedoraproject.FirewallD1",
                                     .path = "/org/fedoraproject/FirewallD1",
                                     .interface = "org.fedoraproject.FirewallD1.zone",
                                     .member = member,
                                     .signature = "ss" };
        struct error ignored;

        if (!firewall_firewalld_runs())
                return;
        dbus_add_string(&body, "trusted");
        dbus_add_string(&body, interface);
        call.body = body.data;
        call.body_len = body.len;
        if (dbus_open("unix:path=/run/dbus/system_bus_socket", true, &bus, &ignored) == 0)
                (void)dbus_call(&bus, &call, &answer, &ignored);
}

void firewall_firewalld_trust(const char *interface)
{
        call("changeZoneOfInterface", interface);
}

void firewall_firewalld_forget(const char *interface)
{
        call("removeInterface", interface);
}
