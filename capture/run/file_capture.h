// SPDX-License-Identifier: GPL-2.0-or-later
// `lifeboat capture SOURCE DEST`: a dump as the file DEST, or at the dump level `none` the crashed kernel's
// log and the report beside that name.
#pragma once

#include <string>

#include "capture/engine/capture_file.h"

namespace lifeboat::capture {

struct FileCapture {
  CaptureReport report;
  std::string dump;                           // its path; empty: there is none
  std::string log, report_text, report_json;  // paths of DEST-dmesg.txt, ...; only without a dump
};

// As capture_file(). With the outcome `log_only` (at once, or because nothing else fits) the other files are
// written, the log first, each whole; none that exists is overwritten.
Result<FileCapture> capture_to_files(Dump& source, const std::string& source_name, const std::string& dest,
                                     const CaptureOptions& options, Progress& progress);

}  // namespace lifeboat::capture
