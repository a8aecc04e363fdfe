// SPDX-License-Identifier: GPL-2.0-or-later
// Where messages go: sinks of spdlog. A program chooses them once, at its start; without a choice there is
// stderr_sink("lifeboat") alone. In all of them a message is "lifeboat: warning: text", an info without the
// level's name, and nothing quoted in it controls a terminal (plain_lines()). What a sink does not accept is
// lost: a message never stops the work, and never fails it.
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "src/base/error.h"
#include "src/base/file.h"

namespace spdlog::sinks {
class sink;
}

namespace lifeboat::log {

using SinkPtr = std::shared_ptr<spdlog::sinks::sink>;

// Takes the place of all that there were, before other threads log.
void set_sinks(std::vector<SinkPtr> sinks);

// Standard error of the program that is called so. On a terminal the level's name is coloured (unless
// NO_COLOR is set). In the journal each line has its level: the prefix of sd-daemon(3), not syslog(3),
// because what other programs and hooks print to the same stream stays in order with it, the unit decides
// where it goes (journal+console), and a static program needs no connection to a daemon.
SinkPtr stderr_sink(std::string_view program);
// Whether standard error is the journal (systemd.exec(5), JOURNAL_STREAM).
bool stderr_is_journal();

// A file, truncated, which only its owner reads; a link in its place is refused. Children that are forked
// append to it too, so nothing is buffered.
Result<SinkPtr> file_sink(const std::string& path);

// A console, opened with O_NONBLOCK. One that is gone or stopped (flow control) must not stop the program:
// what it does not accept within a second is lost.
SinkPtr console_sink(UniqueFd console);

// The kernel's log (/dev/kmsg): a record for each line, with its level. The kernel prints what is more urgent
// than its console level (/proc/sys/kernel/printk) on the console: with `most_urgent` at that, nothing is
// there twice beside console_sink(). 7: the least urgent.
SinkPtr kernel_log_sink(UniqueFd kmsg, int most_urgent);

}  // namespace lifeboat::log
