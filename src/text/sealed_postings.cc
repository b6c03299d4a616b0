// Reading a body of postings.
//
// Format:   header (postings_format.h), then sections, each from a multiple of 64 bytes on:
//             lengths      u32[documents]; text only
//             groups       u64[groups + 1]: where each group of kTermGroup terms begins in the
//                          dictionary
//             terms        SealedPostings::Term[terms], in the order of the terms' bytes
//             skips        SealedPostings::Skip: a run for each term of more than one block
//             dictionary   for each term: u8 bytes shared with the one before it in its group |
//                          u8 other bytes | the other bytes
//             data         for each term its blocks (block_codec.h); for a term of more than one
//                          the bounds of all of them before
#include "alidade/text/sealed_postings.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "bit_packing.h"
#include "block_codec.h"
#include "postings_format.h"

namespace alidade {

// The blocks of one term.
class SealedTerm final : public TermPostings {
 public:
  SealedTerm(PostingsKind kind,
             const SealedPostings::Term& term,
             const SealedPostings::Skip* skips,
             std::string_view data)
      : kind_(kind), data_(data), only_last_(term.last_or_skip) {
    documents_ = term.documents;
    blocks_ = (term.documents + kPostingBlock - 1) / kPostingBlock;
    skips_ = blocks_ > 1 ? skips + term.last_or_skip : nullptr;
  }

  bool SeekBlock(uint32_t document) override {
    if (at_ == blocks_) {
      return false;
    }
    if (started_ && document <= last_document_) {
      return true;
    }
    const uint32_t from = started_ ? at_ + 1 : 0;
    const uint32_t found = FindBlock(from, document);
    if (found == blocks_) {
      at_ = blocks_;
      return false;
    }
    started_ = true;
    at_ = found;
    last_document_ = LastOf(found);
    const std::optional<BlockHeader> header =
        ReadBlockHeader(kind_, data_.substr(StartOf(found)), impacts_);
    header_ = header.value_or(BlockHeader{});
    impacts_count_ = header_.impacts;
    return true;
  }

  bool Read(PostingBlock& out) const override {
    if (header_.impacts == 0) {
      return false;
    }
    out.count = std::min(kPostingBlock, documents_ - at_ * kPostingBlock);
    const std::string_view block = data_.substr(StartOf(at_));
    if (BlockBytes(kind_, header_, out.count) + kUnpackSlack > block.size()) {
      return false;
    }
    return ReadBlock(kind_,
                     header_,
                     block.data() + header_.data_at,
                     at_ == 0 ? 0 : LastOf(at_ - 1) + 1,
                     last_document_,
                     out);
  }

 private:
  uint32_t LastOf(uint32_t block) const {
    return skips_ == nullptr ? only_last_ : skips_[block].last_document;
  }
  size_t StartOf(uint32_t block) const { return skips_ == nullptr ? 0 : skips_[block].data_at; }
  // The first from `from` on that ends at `document` or later, in steps that double: mostly it is
  // near.
  uint32_t FindBlock(uint32_t from, uint32_t document) const {
    uint32_t step = 1;
    uint32_t low = from;
    uint32_t high = from;
    while (high < blocks_ && LastOf(high) < document) {
      low = high + 1;
      high += std::min(step, blocks_ - high);
      step *= 2;
    }
    while (low < high) {
      const uint32_t middle = low + (high - low) / 2;
      if (LastOf(middle) < document) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    return low;
  }

  PostingsKind kind_;
  std::string_view data_;  // of the term, and kUnpackSlack bytes or more
  uint32_t only_last_;
  const SealedPostings::Skip* skips_ = nullptr;
  bool started_ = false;
  uint32_t at_ = 0;
  BlockHeader header_;
};

StatusOr<SealedPostings> SealedPostings::Parse(PostingsKind kind,
                                               uint64_t fingerprint,
                                               std::string_view body,
                                               uint32_t documents) {
  PostingsHeader header;
  if (body.size() < sizeof(header)) {
    return DataLoss("{} bytes are too few for postings", body.size());
  }
  std::memcpy(&header, body.data(), sizeof(header));
  if (header.format != kPostingsFormat || header.kind != static_cast<uint32_t>(kind) ||
      header.documents != documents || header.documents_filled > documents) {
    return DataLoss("the header of the postings does not fit");
  }
  if (header.fingerprint != fingerprint) {
    return DataLoss("the postings were made by another analysis of text");
  }
  if (std::max({header.terms, header.skips, header.dictionary_bytes, header.data_bytes}) >
          body.size() ||
      header.data_bytes < kUnpackSlack) {
    return DataLoss("the postings are larger than their {} bytes", body.size());
  }
  const PostingsLayout layout(header);
  if (layout.end != body.size()) {
    return DataLoss("the postings should have {} bytes, not {}", layout.end, body.size());
  }
  const bool text = kind == PostingsKind::kText;
  SealedPostings out;
  out.kind_ = kind;
  out.documents_ = documents;
  out.documents_filled_ = header.documents_filled;
  out.length_ = header.length;
  out.lengths_ = {reinterpret_cast<const uint32_t*>(body.data() + layout.lengths),
                  text ? documents : 0};
  out.terms_ = header.terms;
  out.body_bytes_ = body.size();
  out.groups_ = reinterpret_cast<const uint64_t*>(body.data() + layout.groups);
  out.group_count_ = PostingsLayout::Groups(header.terms);
  out.term_records_ = reinterpret_cast<const Term*>(body.data() + layout.terms);
  out.skips_ = reinterpret_cast<const Skip*>(body.data() + layout.skips);
  out.dictionary_ = body.substr(layout.dictionary, header.dictionary_bytes);
  out.data_ = body.substr(layout.data, header.data_bytes);
  if (text &&
      (std::accumulate(out.lengths_.begin(), out.lengths_.end(), uint64_t{0}) != header.length ||
       static_cast<uint64_t>(std::ranges::count(out.lengths_, 0U)) !=
           documents - header.documents_filled)) {
    return DataLoss("the lengths of the documents do not add up");
  }
  ALIDADE_RETURN_IF_ERROR(out.CheckDictionary());
  ALIDADE_RETURN_IF_ERROR(out.CheckTerms(header.skips));
  return out;
}

Status SealedPostings::CheckDictionary() const {
  std::string previous;
  std::string term;
  size_t at = 0;
  for (uint64_t i = 0; i < terms_; ++i) {
    if (i % kTermGroup == 0 && groups_[i / kTermGroup] != at) {
      return DataLoss("group {} of the terms is out of place", i / kTermGroup);
    }
    if (dictionary_.size() - at < 2) {
      return DataLoss("the dictionary ends before term {}", i);
    }
    const size_t shared = static_cast<uint8_t>(dictionary_[at]);
    const size_t other = static_cast<uint8_t>(dictionary_[at + 1]);
    at += 2;
    if (other > dictionary_.size() - at || shared > previous.size() ||
        (i % kTermGroup == 0 && shared != 0) || shared + other > kTermBytesMax) {
      return DataLoss("term {} is longer than it can be", i);
    }
    term.assign(previous, 0, shared).append(dictionary_.substr(at, other));
    at += other;
    if (term.empty() || (i > 0 && term <= previous)) {
      return DataLoss("term {} is out of order", i);
    }
    previous.swap(term);
  }
  if (at != dictionary_.size() || groups_[group_count_] != at) {
    return DataLoss("the dictionary has bytes beyond its terms");
  }
  return OkStatus();
}

std::string_view SealedPostings::DataOf(uint64_t term) const {
  const uint64_t begin = term_records_[term].data_at;
  const uint64_t end =
      term + 1 < terms_ ? term_records_[term + 1].data_at : data_.size() - kUnpackSlack;
  return data_.substr(begin, end - begin);
}

Status SealedPostings::CheckTerms(uint64_t skips) const {
  uint64_t at = 0;
  uint64_t skip = 0;
  for (uint64_t i = 0; i < terms_; ++i) {
    const Term& term = term_records_[i];
    const uint64_t end =
        i + 1 < terms_ ? term_records_[i + 1].data_at : data_.size() - kUnpackSlack;
    if (term.data_at != at || end < at || end > data_.size() - kUnpackSlack ||
        term.documents == 0 || term.documents > documents_) {
      return DataLoss("term {} does not fit the postings", i);
    }
    const uint64_t blocks = (uint64_t{term.documents} + kPostingBlock - 1) / kPostingBlock;
    if (blocks > 1 && (term.last_or_skip != skip || blocks > skips - skip)) {
      return DataLoss("the blocks of term {} do not fit the postings", i);
    }
    skip += blocks > 1 ? blocks : 0;
    if (const Status status = CheckTerm(term, data_.substr(at, end - at)); !status.ok()) {
      return WithContext(status, fmt::format("term {}", i));
    }
    at = end;
  }
  if (skip != skips || at != data_.size() - kUnpackSlack) {
    return DataLoss("the postings have bytes beyond their terms");
  }
  return OkStatus();
}

// That blocks follow each other without a gap, and end before the next term.
Status SealedPostings::CheckTerm(const Term& term, std::string_view data) const {
  std::array<Impact, kImpactsMax> impacts;
  const auto check = [&](std::string_view block, uint32_t count) {
    const std::optional<BlockHeader> header = ReadBlockHeader(kind_, block, impacts);
    return header.has_value() && BlockBytes(kind_, *header, count) == block.size();
  };
  if (term.documents <= kPostingBlock) {
    return check(data, term.documents) && term.last_or_skip < documents_
               ? OkStatus()
               : DataLoss("its only block does not fit");
  }
  std::string_view rest = data;
  if (TakeImpacts(kind_, rest, impacts) == 0) {
    return DataLoss("it begins without bounds");
  }
  size_t at = data.size() - rest.size();
  const uint32_t blocks = (term.documents + kPostingBlock - 1) / kPostingBlock;
  const Skip* skips = skips_ + term.last_or_skip;
  for (uint32_t i = 0; i < blocks; ++i) {
    const size_t end = i + 1 < blocks ? skips[i + 1].data_at : data.size();
    const uint32_t count = std::min(kPostingBlock, term.documents - i * kPostingBlock);
    if (skips[i].data_at != at || end < at || end > data.size() ||
        !check(data.substr(at, end - at), count) || skips[i].last_document >= documents_ ||
        (i > 0 && skips[i].last_document <= skips[i - 1].last_document)) {
      return DataLoss("block {} does not fit", i);
    }
    at = end;
  }
  return OkStatus();
}

std::string_view SealedPostings::FirstOfGroup(uint64_t group) const {
  const size_t at = groups_[group];
  return dictionary_.substr(at + 2, static_cast<uint8_t>(dictionary_[at + 1]));
}

uint64_t SealedPostings::FindNumber(std::string_view term) const {
  uint64_t low = 0;  // the last group whose first term is not behind `term` is before `high`
  uint64_t high = group_count_;
  while (low < high) {
    const uint64_t middle = low + (high - low) / 2;
    if (FirstOfGroup(middle) <= term) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  if (low == 0) {
    return terms_;
  }
  const uint64_t group = low - 1;
  const uint64_t end = std::min(terms_, (group + 1) * kTermGroup);
  std::string candidate;
  size_t at = groups_[group];
  for (uint64_t i = group * kTermGroup; i < end; ++i) {
    const size_t shared = static_cast<uint8_t>(dictionary_[at]);
    const size_t other = static_cast<uint8_t>(dictionary_[at + 1]);
    candidate.resize(std::min(shared, candidate.size()));
    candidate.append(dictionary_.substr(at + 2, other));
    if (candidate == term) {
      return i;
    }
    at += 2 + other;
  }
  return terms_;
}

std::unique_ptr<TermPostings> SealedPostings::Find(std::string_view term) const {
  const uint64_t number = FindNumber(term);
  if (number == terms_) {
    return nullptr;
  }
  const std::string_view data = DataOf(number);
  return std::make_unique<SealedTerm>(kind_,
                                      term_records_[number],
                                      skips_,
                                      std::string_view(data.data(), data.size() + kUnpackSlack));
}

}  // namespace alidade
