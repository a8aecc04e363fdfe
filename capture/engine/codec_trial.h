// SPDX-License-Identifier: GPL-2.0-or-later
// Compression `auto` for a capture whose scan is done: measures the codecs with pages that will be stored,
// and the target with the file itself, and chooses.
#pragma once

#include <string>

#include "capture/engine/codec_choice.h"
#include "capture/engine/filter.h"
#include "src/dump/dump.h"
#include "src/dump/kdump_writer.h"

namespace lifeboat {

struct CodecTrial {
  PhysicalMemory& memory;
  const PageFilter& filter;
  const KdumpWriter& writer;
  uint64_t max_pfn = 0;
  uint64_t stored_pages = 0;
  PageSize page_size;
  unsigned threads = 1;     // that will compress
  bool more_space = false;  // can be made on the target
};
struct ChosenCodec {
  CompressionChoice codec;
  std::string reason;  // for people, one line
};

// Writes behind the end of `fd`, the file of the dump, which has its size again afterwards. `name` is for
// messages.
Result<ChosenCodec> try_codecs(const CodecTrial& trial, int fd, const std::string& name);

}  // namespace lifeboat
