// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/base/sha256.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>

namespace lifeboat {
namespace {

std::string hex_digest(Sha256& sha256) {
  uint8_t digest[Sha256::kDigestBytes];
  sha256.finish(digest);
  std::string text;
  for (const uint8_t byte : digest) text += fmt::format("{:02x}", byte);
  return text;
}

std::string sha256_of(std::string_view message) {
  Sha256 sha256;
  sha256.update(message.data(), message.size());
  return hex_digest(sha256);
}

// FIPS 180-4's examples, as NIST publishes them ("Examples with Intermediate Values", and SHAVS for the empty
// one).
TEST(Sha256, AgreesWithThePublishedVectors) {
  EXPECT_EQ(sha256_of(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(sha256_of("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"),
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  EXPECT_EQ(sha256_of("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
                      "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu"),
            "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  EXPECT_EQ(sha256_of(std::string(1'000'000, 'a')),
            "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

std::string message_of(size_t size) {
  std::string message(size, '\0');
  for (size_t i = 0; i < size; ++i) message[i] = static_cast<char>(i * 37 + 11);
  return message;
}

TEST(Sha256, HowAMessageIsSplitDoesNotMatter) {
  const std::string message = message_of(200);
  const std::string whole = sha256_of(message);
  for (size_t first = 0; first <= message.size(); ++first) {
    for (size_t second = first; second <= message.size(); ++second) {
      Sha256 sha256;
      sha256.update(message.data(), first);
      sha256.update(message.data() + first, second - first);
      sha256.update(message.data() + second, message.size() - second);
      ASSERT_EQ(hex_digest(sha256), whole) << first << ' ' << second;
    }
  }
}

// The padding takes one block or two, by the message's length.
TEST(Sha256, EveryLengthAroundABlockOneByteAtATime) {
  for (size_t size = 0; size <= size_t{3} * 64; ++size) {
    const std::string message = message_of(size);
    Sha256 sha256;
    for (const char& byte : message) sha256.update(&byte, 1);
    EXPECT_EQ(hex_digest(sha256), sha256_of(message)) << size;
  }
  // By coreutils' sha256sum.
  EXPECT_EQ(sha256_of(std::string(55, 'a')),
            "9f4390f8d30c2dd92ec9f095b65e2b9ae9b0a925a5258e241c9f1e910f734318");
  EXPECT_EQ(sha256_of(std::string(56, 'a')),
            "b35439a4ac6f0948b6d6f9e3c6af0f5f590ce20f1bde7090ef7970686ec6738a");
  EXPECT_EQ(sha256_of(std::string(64, 'a')),
            "ffe054fe7ae0cb6dc65c3af9b61d5209f439851db43d0ba5997337df154668eb");
}

TEST(Sha256, NothingAtNowhereIsAnEmptyUpdate) {
  Sha256 sha256;
  sha256.update(nullptr, 0);
  sha256.update("abc", 3);
  sha256.update(nullptr, 0);
  EXPECT_EQ(hex_digest(sha256), sha256_of("abc"));
}

}  // namespace
}  // namespace lifeboat
