// SPDX-License-Identifier: GPL-2.0-or-later
// Compression `auto`: measures codecs with pages of this dump on the CPUs of this machine. For what is made
// of the figures see codec_choice.h.
#pragma once

#include <span>
#include <vector>

#include "capture/engine/codec_choice.h"
#include "src/base/bytes.h"

namespace lifeboat {

// Pages of the dump, one after the other; those of zeros are passed over. They should come from all over what
// will be stored: the first megabytes of a machine's memory are not like the rest.
struct PageSample {
  ByteSpan pages;  // whole pages
  PageSize page_size;
};

// Measures each codec with the same pages, as many as there is time for, taken from all over the sample: with
// `threads` threads at once (no more than four; with one none is started), each on pages of its own. What
// compresses nothing (`none`) takes no time. All codecs are given at least the first kSampleGroup pages, also
// beyond the limit. In the order of `codecs`; empty when there is no page but of zeros. Errors: a codec that
// cannot be created.
Result<std::vector<CodecSample>> sample_codecs(const PageSample& sample,
                                               std::span<const CompressionChoice> codecs, unsigned threads,
                                               Seconds limit);
// Pages that one codec compresses before the next one gets the same: enough that its tables are in the
// caches.
inline constexpr size_t kSampleGroup = 16;

// The most time that measuring may take: 2 % of the capture, as far as it can be foreseen, at most 0.5 s. Not
// below 50 ms, without which the figures would mean nothing.
Seconds sampling_limit(const TargetSpeed& speed, const ExpectedCapture& expected);

// What `auto` does: measures the fast codecs; then those that compress more, if the target is so slow that
// they could finish first; and chooses. Takes at most sampling_limit(). Without a page that is not zero,
// where no codec matters, the decision is the default codec, with no pages measured.
Result<CodecDecision> decide_codec(const PageSample& sample, const TargetSpeed& speed,
                                   const ExpectedCapture& expected);

}  // namespace lifeboat
