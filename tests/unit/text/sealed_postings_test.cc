#include "alidade/text/sealed_postings.h"

#include <random>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "alidade/text/document_terms.h"

#include "bit_packing.h"
#include "block_codec.h"
#include "support/status_matchers.h"
#include "unit/text/postings_case.h"

namespace alidade {
namespace {

using ::testing::ElementsAre;
using Postings2 = std::vector<std::pair<uint32_t, uint32_t>>;  // document, value

Postings2 ReadAll(TermPostings& term) {
  Postings2 all;
  uint32_t blocks = 0;
  for (uint32_t from = 0; term.SeekBlock(from); from = term.last_document() + 1) {
    PostingBlock block;
    EXPECT_TRUE(term.Read(block));
    ++blocks;
    for (uint32_t i = 0; i < block.count; ++i) {
      all.emplace_back(block.documents[i], block.values[i]);
    }
    EXPECT_EQ(all.back().first, term.last_document());
  }
  EXPECT_FALSE(term.SeekBlock(0));
  EXPECT_EQ(blocks, term.blocks());
  EXPECT_EQ(all.size(), term.documents());
  return all;
}

std::map<std::string, Postings2> Inverted(const PlainPart& part) {
  std::map<std::string, Postings2> inverted;
  for (uint32_t i = 0; i < part.size(); ++i) {
    for (const auto& [term, value] : part[i].terms) {
      inverted[term].emplace_back(i, value);
    }
  }
  return inverted;
}

TEST(BitPackingTest, NumbersOfEveryWidthComeBack) {
  std::mt19937_64 random(3);
  for (uint32_t bits = 0; bits <= 32; ++bits) {
    for (const size_t count : {0U, 1U, 7U, 64U, 127U, 128U}) {
      std::vector<uint32_t> values;
      for (size_t i = 0; i < count; ++i) {
        values.push_back(static_cast<uint32_t>(random() & ((uint64_t{1} << bits) - 1)));
      }
      std::string packed;
      PackBits(values, bits, packed);
      ASSERT_EQ(packed.size(), PackedBytes(count, bits));
      packed.append(kUnpackSlack, '\x55');
      std::vector<uint32_t> unpacked(count);
      UnpackBits(packed.data(), bits, unpacked);
      ASSERT_EQ(unpacked, values) << bits;
    }
  }
  EXPECT_EQ(BitsFor(0), 0U);
  EXPECT_EQ(BitsFor(1), 1U);
  EXPECT_EQ(BitsFor(0xFFFFFFFF), 32U);
}

TEST(ImpactsTest, EveryImpactStaysBounded) {
  std::mt19937_64 random(4);
  for (int round = 0; round < 1'000; ++round) {
    std::vector<Impact> impacts;
    for (uint64_t count = random() % 100 + 1; count > 0; --count) {
      impacts.push_back({.value = static_cast<uint32_t>(random() % 20),
                         .other = static_cast<uint32_t>(random() % 50)});
    }
    const std::vector<Impact> united = UniteImpacts(PostingsKind::kText, impacts);
    ASSERT_LE(united.size(), kImpactsMax);
    for (const Impact& impact : impacts) {
      ASSERT_TRUE(std::ranges::any_of(united, [&](const Impact& bound) {
        return bound.value >= impact.value && bound.other <= impact.other;
      }));
    }
  }
  // Only what no other bounds is kept.
  EXPECT_THAT(UniteImpacts(PostingsKind::kText, {{1, 5}, {2, 9}, {1, 7}, {2, 9}, {1, 9}}),
              ElementsAre(Impact{2, 9}, Impact{1, 5}));
}

TEST(DocumentTermsTest, CountsTokens) {
  DocumentTerms terms;
  for (const char* token : {"b", "a", "b", "ab", "b"}) {
    terms.Add(token);
  }
  EXPECT_EQ(terms.length(), 5U);
  const auto counted = terms.Count();
  ASSERT_EQ(counted.size(), 3U);
  EXPECT_EQ(counted[0].term, "a");
  EXPECT_EQ(counted[1].term, "ab");
  EXPECT_EQ(counted[2].term, "b");
  EXPECT_EQ(counted[2].value, 3U);
  terms.Clear();
  EXPECT_TRUE(terms.Count().empty());
}

TEST(SealedPostingsTest, EveryPostingOfEveryTermComesBack) {
  std::mt19937_64 random(1);
  for (const uint32_t documents : {0U, 1U, 5U, 127U, 128U, 129U, 3'000U}) {
    const PlainPart part = RandomTexts(random, documents, 300, 12);
    const auto sealed = Seal(PostingsKind::kText, part);
    const SealedPostings& postings = *sealed->postings;
    const auto inverted = Inverted(part);
    EXPECT_EQ(postings.terms(), inverted.size());
    EXPECT_EQ(postings.documents(), documents);
    uint64_t length = 0;
    for (uint32_t i = 0; i < documents; ++i) {
      ASSERT_EQ(postings.lengths()[i], part[i].length);
      length += part[i].length;
    }
    EXPECT_EQ(postings.length(), length);
    for (const auto& [term, expected] : inverted) {
      const auto found = postings.Find(term);
      ASSERT_NE(found, nullptr) << term;
      ASSERT_EQ(ReadAll(*found), expected) << term;
    }
    for (const char* absent : {"", "v", "w", "w00", "w1x", "x", "w99999"}) {
      EXPECT_EQ(postings.Find(absent), nullptr) << absent;
    }
  }
}

TEST(SealedPostingsTest, SeekingFindsTheBlockOfEveryDocument) {
  std::mt19937_64 random(2);
  const PlainPart part = RandomTexts(random, 5'000, 20, 10);
  const auto sealed = Seal(PostingsKind::kText, part);
  const Postings2 expected = Inverted(part)["w0"];
  for (int round = 0; round < 200; ++round) {
    const auto term = sealed->postings->Find("w0");
    for (uint32_t from = 0; from < 5'000;
         from += static_cast<uint32_t>(1 + random() % (1U << (round % 12)))) {
      const auto next =
          std::ranges::lower_bound(expected, from, {}, &std::pair<uint32_t, uint32_t>::first);
      ASSERT_EQ(term->SeekBlock(from), next != expected.end());
      if (next == expected.end()) {
        break;
      }
      PostingBlock block;
      ASSERT_TRUE(term->Read(block));
      ASSERT_LE(block.documents[0], next->first);
      ASSERT_GE(block.documents[block.count - 1], next->first);
      for (uint32_t i = 0; i < block.count; ++i) {
        ASSERT_TRUE(std::ranges::any_of(term->impacts(), [&](const Impact& impact) {
          return impact.value >= block.values[i] && impact.other <= part[block.documents[i]].length;
        }));
      }
    }
  }
}

TEST(SealedPostingsTest, WeightsComeBackToTheBit) {
  std::mt19937_64 random(5);
  const PlainPart part = RandomSparse(random, 1'000, 50, 12, /*negative=*/true);
  const auto sealed = Seal(PostingsKind::kSparse, part);
  for (const auto& [term, expected] : Inverted(part)) {
    const auto found = sealed->postings->Find(term);
    ASSERT_NE(found, nullptr);
    EXPECT_EQ(ReadAll(*found), expected);
  }
}

TEST(SealedPostingsTest, BodiesThatDoNotFitAreDataLoss) {
  std::mt19937_64 random(6);
  const PlainPart part = RandomTexts(random, 300, 30, 8);
  const auto sealed = Seal(PostingsKind::kText, part);
  const auto parse = [&](PostingsKind kind, uint64_t fingerprint, size_t size, uint32_t documents) {
    return SealedPostings::Parse(kind, fingerprint, sealed->body().substr(0, size), documents)
        .status();
  };
  const size_t size = sealed->size;
  EXPECT_THAT(parse(PostingsKind::kText, kFingerprint, size, 300), IsOk());
  EXPECT_THAT(parse(PostingsKind::kSparse, kFingerprint, size, 300),
              StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(parse(PostingsKind::kText, 41, size, 300), StatusIs(StatusCode::kDataLoss));
  EXPECT_THAT(parse(PostingsKind::kText, kFingerprint, size, 299), StatusIs(StatusCode::kDataLoss));
  for (size_t cut = 0; cut < size; cut += 1 + cut / 16) {
    EXPECT_THAT(parse(PostingsKind::kText, kFingerprint, cut, 300),
                StatusIs(StatusCode::kDataLoss));
  }
}

TEST(SealedPostingsTest, BuildsTheSameBytesWhateverTheOrderOfTerms) {
  std::mt19937_64 random(7);
  const PlainPart part = RandomTexts(random, 500, 100, 8);
  PostingsBuilder builder(PostingsKind::kText, kFingerprint);
  for (uint32_t i = 0; i < part.size(); ++i) {
    std::vector<TermValue> terms = TermsOf(part[i]);
    std::ranges::shuffle(terms, random);
    builder.Add(i, part[i].length, terms);
  }
  std::string body;
  ASSERT_THAT(builder.Finish(500,
                             [&](std::string_view bytes) {
                               body += bytes;
                               return OkStatus();
                             }),
              IsOk());
  EXPECT_EQ(body, BuildBody(PostingsKind::kText, part));
}

TEST(SealedPostingsTest, AFailingSinkEndsTheWriting) {
  std::mt19937_64 random(8);
  const PlainPart part = RandomTexts(random, 50, 10, 8);
  for (int pieces = 0; pieces < 8; ++pieces) {
    PostingsBuilder builder(PostingsKind::kText, kFingerprint);
    for (uint32_t i = 0; i < part.size(); ++i) {
      builder.Add(i, part[i].length, TermsOf(part[i]));
    }
    int left = pieces;
    EXPECT_THAT(builder.Finish(50,
                               [&](std::string_view) {
                                 return left-- > 0 ? OkStatus() : ResourceExhausted("full");
                               }),
                StatusIs(StatusCode::kResourceExhausted));
    EXPECT_EQ(left, -1);
  }
}

}  // namespace
}  // namespace alidade
