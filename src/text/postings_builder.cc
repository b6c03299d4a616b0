// Making a body of postings.
#include <algorithm>
#include <functional>
#include <limits>
#include <unordered_map>
#include <vector>

#include "alidade/common/check.h"
#include "alidade/text/sealed_postings.h"

#include "bit_packing.h"
#include "block_codec.h"
#include "postings_format.h"

namespace alidade {
namespace {

// Skips count in 32 bits from the beginning of a term, bounds included.
constexpr uint64_t kTermDataBytesMax = std::numeric_limits<uint32_t>::max() - 1024;

struct TermHash {
  using is_transparent = void;
  size_t operator()(std::string_view term) const { return std::hash<std::string_view>()(term); }
};

// What has been added of one term: whole blocks packed, the rest not yet.
struct PendingTerm {
  uint32_t documents = 0;
  uint32_t before = 0;  // one more than the last document packed
  std::vector<uint32_t> pending;
  std::vector<uint32_t> values;
  std::vector<Impact> impacts;         // of what is pending
  std::vector<Impact> packed_impacts;  // of the blocks, once there is more than one
  std::vector<SealedPostings::Skip> skips;
  std::string data;
};

template <typename T>
std::string_view BytesOf(const std::vector<T>& values) {
  return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
}

// Hands sections on, with zeros between them.
class SectionWriter {
 public:
  explicit SectionWriter(const BodySink& sink) : sink_(sink) {}
  Status Append(std::string_view bytes) {
    at_ += bytes.size();
    return sink_(bytes);
  }
  Status FillTo(uint64_t at) {
    ALIDADE_CHECK(at >= at_, "a section at {} before {}", at, at_);
    return Append(std::string(at - at_, '\0'));
  }

 private:
  const BodySink& sink_;
  uint64_t at_ = 0;
};

}  // namespace

struct PostingsBuilder::Impl {
  using Terms = std::unordered_map<std::string, PendingTerm, TermHash, std::equal_to<>>;
  using Entry = Terms::value_type;

  void PackBlock(PendingTerm& term) const {
    const std::vector<Impact> impacts = UniteImpacts(kind, std::move(term.impacts));
    term.impacts.clear();
    term.skips.push_back(
        {.last_document = term.pending.back(), .data_at = static_cast<uint32_t>(term.data.size())});
    AppendBlock(kind, term.before, term.pending, term.values, impacts, term.data);
    term.before = term.pending.back() + 1;
    term.packed_impacts.insert(term.packed_impacts.end(), impacts.begin(), impacts.end());
    if (term.packed_impacts.size() > 2 * kImpactsMax) {
      term.packed_impacts = UniteImpacts(kind, std::move(term.packed_impacts));
    }
    term.pending.clear();
    term.values.clear();
  }

  // What lies before the postings.
  struct Sections {
    std::vector<uint64_t> groups;
    std::vector<SealedPostings::Term> records;
    std::vector<SealedPostings::Skip> skips;
    std::string dictionary;
    uint64_t data_bytes = 0;
  };
  StatusOr<std::vector<Entry*>> PackAll();
  Sections Describe(const std::vector<Entry*>& order) const;

  // The bounds of all blocks, which go before them; of one block nothing.
  std::string Prefix(const PendingTerm& term) const {
    std::string prefix;
    if (term.skips.size() > 1) {
      AppendImpacts(kind, UniteImpacts(kind, term.packed_impacts), prefix);
    }
    return prefix;
  }

  PostingsKind kind = PostingsKind::kText;
  uint64_t fingerprint = 0;
  Terms terms;
  std::vector<uint32_t> lengths;  // text
  uint32_t next_document = 0;
  uint32_t documents_filled = 0;
  uint64_t length = 0;
};

PostingsBuilder::PostingsBuilder(PostingsKind kind, uint64_t fingerprint)
    : impl_(std::make_unique<Impl>()) {
  impl_->kind = kind;
  impl_->fingerprint = fingerprint;
}
PostingsBuilder::~PostingsBuilder() = default;

void PostingsBuilder::Add(uint32_t document, uint32_t length, std::span<const TermValue> terms) {
  Impl& impl = *impl_;
  ALIDADE_CHECK(document >= impl.next_document, "document {} is out of order", document);
  impl.next_document = document + 1;
  if (terms.empty()) {
    return;
  }
  ++impl.documents_filled;
  if (impl.kind == PostingsKind::kText) {
    impl.lengths.resize(document);
    impl.lengths.push_back(length);
    impl.length += length;
  }
  for (const TermValue& added : terms) {
    auto found = impl.terms.find(added.term);
    if (found == impl.terms.end()) {
      ALIDADE_CHECK(!added.term.empty() && added.term.size() <= kTermBytesMax,
                    "a term of {} bytes",
                    added.term.size());
      found = impl.terms.emplace(added.term, PendingTerm()).first;
    }
    PendingTerm& term = found->second;
    ++term.documents;
    term.pending.push_back(document);
    term.values.push_back(added.value);
    term.impacts.push_back(
        {.value = added.value, .other = impl.kind == PostingsKind::kText ? length : added.value});
    if (term.pending.size() == kPostingBlock) {
      impl.PackBlock(term);
    }
  }
}

// The terms in order, all of their blocks packed.
StatusOr<std::vector<PostingsBuilder::Impl::Entry*>> PostingsBuilder::Impl::PackAll() {
  std::vector<Entry*> order;
  for (Entry& entry : terms) {
    if (!entry.second.pending.empty()) {
      PackBlock(entry.second);
    }
    if (entry.second.data.size() > kTermDataBytesMax) {
      return ResourceExhausted("a term has {} bytes of postings", entry.second.data.size());
    }
    order.push_back(&entry);
  }
  std::ranges::sort(
      order, {}, [](const Entry* entry) -> const std::string& { return entry->first; });
  return order;
}

PostingsBuilder::Impl::Sections PostingsBuilder::Impl::Describe(
    const std::vector<Entry*>& order) const {
  Sections out;
  for (size_t i = 0; i < order.size(); ++i) {
    const auto& [term, pending] = *order[i];
    size_t shared = 0;
    if (i % kTermGroup == 0) {
      out.groups.push_back(out.dictionary.size());
    } else {
      const std::string& previous = order[i - 1]->first;
      shared = static_cast<size_t>(std::ranges::mismatch(previous, term).in2 - term.begin());
    }
    out.dictionary.push_back(static_cast<char>(shared));
    out.dictionary.push_back(static_cast<char>(term.size() - shared));
    out.dictionary.append(term, shared);

    const uint64_t prefix_bytes = Prefix(pending).size();
    const bool several = pending.skips.size() > 1;
    out.records.push_back({.data_at = out.data_bytes,
                           .documents = pending.documents,
                           .last_or_skip = several ? static_cast<uint32_t>(out.skips.size())
                                                   : pending.skips[0].last_document});
    if (several) {
      for (SealedPostings::Skip skip : pending.skips) {
        skip.data_at += static_cast<uint32_t>(prefix_bytes);
        out.skips.push_back(skip);
      }
    }
    out.data_bytes += prefix_bytes + pending.data.size();
  }
  out.groups.push_back(out.dictionary.size());
  return out;
}

Status PostingsBuilder::Finish(uint32_t documents, const BodySink& sink) {
  Impl& impl = *impl_;
  ALIDADE_CHECK(documents >= impl.next_document, "{} documents are too few", documents);
  ALIDADE_ASSIGN_OR_RETURN(const std::vector<Impl::Entry*> order, impl.PackAll());
  const Impl::Sections sections = impl.Describe(order);
  if (sections.skips.size() > std::numeric_limits<uint32_t>::max()) {
    return ResourceExhausted("the postings have {} blocks", sections.skips.size());
  }
  const PostingsHeader header{.kind = static_cast<uint32_t>(impl.kind),
                              .documents = documents,
                              .documents_filled = impl.documents_filled,
                              .length = impl.length,
                              .fingerprint = impl.fingerprint,
                              .terms = order.size(),
                              .skips = sections.skips.size(),
                              .dictionary_bytes = sections.dictionary.size(),
                              .data_bytes = sections.data_bytes + kUnpackSlack};
  const PostingsLayout layout(header);
  if (impl.kind == PostingsKind::kText) {
    impl.lengths.resize(documents);
  }
  SectionWriter out(sink);
  ALIDADE_RETURN_IF_ERROR(out.Append({reinterpret_cast<const char*>(&header), sizeof(header)}));
  for (const auto& [at, bytes] :
       {std::pair(layout.lengths, BytesOf(impl.lengths)),
        std::pair(layout.groups, BytesOf(sections.groups)),
        std::pair(layout.terms, BytesOf(sections.records)),
        std::pair(layout.skips, BytesOf(sections.skips)),
        std::pair(layout.dictionary, std::string_view(sections.dictionary)),
        std::pair(layout.data, std::string_view())}) {
    ALIDADE_RETURN_IF_ERROR(out.FillTo(at));
    ALIDADE_RETURN_IF_ERROR(out.Append(bytes));
  }
  for (const Impl::Entry* entry : order) {
    ALIDADE_RETURN_IF_ERROR(out.Append(impl.Prefix(entry->second)));
    ALIDADE_RETURN_IF_ERROR(out.Append(entry->second.data));
  }
  return out.Append(std::string(kUnpackSlack, '\0'));
}

}  // namespace alidade
