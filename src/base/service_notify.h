// SPDX-License-Identifier: GPL-2.0-or-later
// Tells the service manager how a service stands (sd_notify(3): one datagram to $NOTIFY_SOCKET). The protocol
// is documented for programs without libsystemd.
#pragma once

#include <string_view>

namespace lifeboat {

// "READY=1\nSTATUS=armed". Nothing happens where nobody listens.
void notify_service_manager(std::string_view state);

}  // namespace lifeboat
