// SPDX-License-Identifier: GPL-2.0-or-later
// Whether this is built with a sanitizer, which takes a multiple of time and memory for itself.
#pragma once

namespace lifeboat::test {

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define LIFEBOAT_SANITIZED true
#endif
#endif
#ifndef LIFEBOAT_SANITIZED
#define LIFEBOAT_SANITIZED false
#endif
inline constexpr bool kSanitized = LIFEBOAT_SANITIZED;
#undef LIFEBOAT_SANITIZED

}  // namespace lifeboat::test
