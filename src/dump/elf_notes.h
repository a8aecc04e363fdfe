// SPDX-License-Identifier: GPL-2.0-or-later
// ELF notes: what an ELF core has in its PT_NOTE segments, and a KDUMP file behind its sub header.
#pragma once

#include <optional>
#include <string>

#include "src/base/bytes.h"

namespace lifeboat {

// The spans point into the bytes that are walked over.
struct ElfNote {
  std::string_view name;
  uint32_t type = 0;
  ByteSpan description;
  uint64_t description_offset = 0;  // within the notes
};

// Walks over note data. Takes no memory, however many notes there are.
class ElfNotes {
 public:
  explicit ElfNotes(ByteSpan bytes) : bytes_(bytes) {}
  // Nothing: the end, or the first malformed note.
  std::optional<ElfNote> next();
  [[nodiscard]] bool truncated() const { return truncated_; }  // a malformed note ended the walk

 private:
  ByteSpan bytes_;
  uint64_t offset_ = 0;
  bool truncated_ = false;
};

struct NotesSummary {
  int cpus = 0;            // NT_PRSTATUS notes; no more than kMaxCpus
  std::string vmcoreinfo;  // text; empty: none, or larger than kMaxVmcoreinfoBytes
};
NotesSummary summarize_notes(ByteSpan bytes);

}  // namespace lifeboat
