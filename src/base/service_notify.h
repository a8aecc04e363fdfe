// SPDX-License-Identifier: GPL-2.0-or-later
// Reports the state of a service to the service manager (sd_notify(3): one datagram to $NOTIFY_SOCKET). The
// protocol is documented for programs without libsystemd.
#pragma once

#include <string_view>

namespace lifeboat {

// "READY=1\nSTATUS=armed". Does nothing without $NOTIFY_SOCKET.
void notify_service_manager(std::string_view state);

}  // namespace lifeboat
