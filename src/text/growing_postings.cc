#include "alidade/text/growing_postings.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <string>
#include <vector>

#include "alidade/common/check.h"
#include "alidade/common/checksum.h"
#include "alidade/common/zeroed_memory.h"

namespace alidade {
namespace {

struct Posting {
  uint32_t document = 0;
  uint32_t value = 0;
};

// Some postings of one term; full before the next one is linked. `count` is stored when a posting
// is in place and bounded by the impact; the impact may already bound more than that.
struct Chunk {
  explicit Chunk(uint32_t size) : capacity(size), postings(std::make_unique<Posting[]>(size)) {}

  const uint32_t capacity;
  const std::unique_ptr<Posting[]> postings;
  std::atomic<uint32_t> count{0};
  std::atomic<uint32_t> impact_value{0};
  std::atomic<uint32_t> impact_other{0};
  std::atomic<const Chunk*> next{nullptr};
};

// Chosen: most terms have few documents.
constexpr uint32_t kFirstChunk = 4;

struct Term {
  explicit Term(std::string_view name) : text(name), hash(Checksum64(name)) {}

  const std::string text;
  const uint64_t hash;
  std::atomic<const Chunk*> first{nullptr};
  // The writer's: the last is the one with room, or full.
  std::vector<std::unique_ptr<Chunk>> chunks;
  size_t linked = 0;  // chunks that readers can see
};

// Open addressing; a slot is set once.
struct Table {
  explicit Table(size_t slots_in)
      : mask(slots_in - 1), slots(std::make_unique<std::atomic<Term*>[]>(slots_in)) {}

  std::atomic<Term*>& SlotOf(std::string_view term, uint64_t hash) const {
    for (size_t at = hash & mask;; at = (at + 1) & mask) {
      const Term* there = slots[at].load(std::memory_order_acquire);
      if (there == nullptr || (there->hash == hash && there->text == term)) {
        return slots[at];
      }
    }
  }

  const size_t mask;
  const std::unique_ptr<std::atomic<Term*>[]> slots;
};

constexpr size_t kFirstTable = 256;

// The postings of a term that are before a document.
class GrowingTerm final : public TermPostings {
 public:
  GrowingTerm(const Chunk* first, uint32_t end) : end_(end) {
    for (const Chunk* chunk = first; chunk != nullptr;
         chunk = chunk->next.load(std::memory_order_acquire)) {
      const uint32_t count = CountOf(*chunk);
      if (count == 0) {
        break;
      }
      documents_ += count;
      ++blocks_;
    }
    next_ = first;
  }

  bool SeekBlock(uint32_t document) override {
    while (at_ == nullptr || last_document_ < document) {
      at_ = next_;
      count_ = at_ == nullptr ? 0 : CountOf(*at_);
      if (count_ == 0) {
        next_ = nullptr;
        at_ = nullptr;
        return false;
      }
      next_ = at_->next.load(std::memory_order_acquire);
      last_document_ = at_->postings[count_ - 1].document;
    }
    impacts_[0] = {.value = at_->impact_value.load(std::memory_order_relaxed),
                   .other = at_->impact_other.load(std::memory_order_relaxed)};
    impacts_count_ = 1;
    return true;
  }

  bool Read(PostingBlock& out) const override {
    out.count = count_;
    for (uint32_t i = 0; i < count_; ++i) {
      out.documents[i] = at_->postings[i].document;
      out.values[i] = at_->postings[i].value;
    }
    return true;
  }

 private:
  // Of a chunk: those before the end of the view.
  uint32_t CountOf(const Chunk& chunk) const {
    const std::span<const Posting> all(chunk.postings.get(),
                                       chunk.count.load(std::memory_order_acquire));
    return static_cast<uint32_t>(std::ranges::lower_bound(all, end_, {}, &Posting::document) -
                                 all.begin());
  }

  uint32_t end_;
  const Chunk* at_ = nullptr;
  const Chunk* next_ = nullptr;
  uint32_t count_ = 0;
};

}  // namespace

struct GrowingPostings::Impl {
  Impl(PostingsKind kind_in, uint32_t capacity_in)
      : kind(kind_in),
        capacity(capacity_in),
        lengths(size_t{capacity_in} * sizeof(uint32_t)),
        length_before((size_t{capacity_in} + 1) * sizeof(uint64_t)),
        filled_before((size_t{capacity_in} + 1) * sizeof(uint32_t)) {
    Grow(kFirstTable);
  }

  void Grow(size_t slots) {
    auto fresh = std::make_unique<Table>(slots);
    for (const auto& term : terms) {
      fresh->SlotOf(term->text, term->hash).store(term.get(), std::memory_order_relaxed);
    }
    bytes += slots * sizeof(void*);
    tables.push_back(std::move(fresh));
    table.store(tables.back().get(), std::memory_order_release);
  }

  Term& FindOrAdd(std::string_view name);
  void MakeRoom(Term& term);
  void Put(Term& term, uint32_t document, uint32_t value, uint32_t other) const;

  const PostingsKind kind;
  const uint32_t capacity;
  // Of documents 0..n-1 at [n].
  ZeroedMemory lengths;
  ZeroedMemory length_before;
  ZeroedMemory filled_before;
  std::atomic<const Table*> table{nullptr};
  std::atomic<size_t> bytes{0};

  // The writer's.
  std::vector<std::unique_ptr<Term>> terms;
  std::vector<std::unique_ptr<Table>> tables;
  uint32_t documents = 0;
  std::vector<Term*> found;  // of the document that is added
};

Term& GrowingPostings::Impl::FindOrAdd(std::string_view name) {
  const uint64_t hash = Checksum64(name);
  if (Term* known = tables.back()->SlotOf(name, hash).load(std::memory_order_relaxed)) {
    return *known;
  }
  if (2 * (terms.size() + 1) > tables.back()->mask) {
    Grow(2 * (tables.back()->mask + 1));
  }
  terms.push_back(std::make_unique<Term>(name));
  Term* added = terms.back().get();
  bytes += sizeof(Term) + name.size() + sizeof(void*);
  // Readers find nothing in it yet.
  tables.back()->SlotOf(name, hash).store(added, std::memory_order_release);
  return *added;
}

// The last chunk has room, or there is one behind it.
void GrowingPostings::Impl::MakeRoom(Term& term) {
  if (term.linked < term.chunks.size()) {
    return;  // made for a document that was not added in the end
  }
  const Chunk* last = term.chunks.empty() ? nullptr : term.chunks.back().get();
  if (last != nullptr && last->count.load(std::memory_order_relaxed) < last->capacity) {
    return;
  }
  const uint32_t size = last == nullptr ? kFirstChunk : std::min(kPostingBlock, last->capacity * 4);
  term.chunks.push_back(std::make_unique<Chunk>(size));
  bytes += sizeof(Chunk) + size * sizeof(Posting);
}

// Throws nothing: there is room.
void GrowingPostings::Impl::Put(Term& term,
                                uint32_t document,
                                uint32_t value,
                                uint32_t other) const {
  Chunk& chunk = *term.chunks.back();
  const uint32_t count = chunk.count.load(std::memory_order_relaxed);
  chunk.postings[count] = {.document = document, .value = value};
  uint32_t largest = value;
  uint32_t smallest = other;
  if (count > 0) {
    const uint32_t old_value = chunk.impact_value.load(std::memory_order_relaxed);
    const uint32_t old_other = chunk.impact_other.load(std::memory_order_relaxed);
    if (kind == PostingsKind::kText) {
      largest = std::max(largest, old_value);
      smallest = std::min(smallest, old_other);
    } else {
      const auto pick = [](uint32_t a, uint32_t b, bool larger) {
        return (std::bit_cast<float>(a) > std::bit_cast<float>(b)) == larger ? a : b;
      };
      largest = pick(largest, old_value, true);
      smallest = pick(smallest, old_other, false);
    }
  }
  chunk.impact_value.store(largest, std::memory_order_relaxed);
  chunk.impact_other.store(smallest, std::memory_order_relaxed);
  chunk.count.store(count + 1, std::memory_order_release);
  if (term.linked < term.chunks.size()) {
    const size_t number = term.linked++;
    auto& link = number == 0 ? term.first : term.chunks[number - 1]->next;
    link.store(&chunk, std::memory_order_release);
  }
}

GrowingPostings::GrowingPostings(PostingsKind kind, uint32_t capacity)
    : impl_(std::make_unique<Impl>(kind, capacity)) {}
GrowingPostings::~GrowingPostings() = default;

void GrowingPostings::Add(uint32_t document, uint32_t length, std::span<const TermValue> terms) {
  Prepare(document, terms);
  Put(document, length, terms);
}

void GrowingPostings::Prepare(uint32_t document, std::span<const TermValue> terms) {
  Impl& impl = *impl_;
  ALIDADE_CHECK(document == impl.documents && document < impl.capacity,
                "document {} is not the next one",
                document);
  impl.found.clear();
  impl.found.reserve(terms.size());
  for (const TermValue& added : terms) {
    ALIDADE_CHECK(!added.term.empty() && added.term.size() <= kTermBytesMax,
                  "a term of {} bytes",
                  added.term.size());
    Term& term = impl.FindOrAdd(added.term);
    impl.MakeRoom(term);
    impl.found.push_back(&term);
  }
}

void GrowingPostings::Put(uint32_t document, uint32_t length, std::span<const TermValue> terms) {
  Impl& impl = *impl_;
  ALIDADE_CHECK(impl.found.size() == terms.size() && document == impl.documents,
                "document {} was not prepared",
                document);
  const bool text = impl.kind == PostingsKind::kText;
  for (size_t i = 0; i < terms.size(); ++i) {
    const uint32_t value = terms[i].value;
    impl.Put(*impl.found[i], document, value, text ? length : value);
  }
  const bool filled = !terms.empty();
  impl.lengths.as<uint32_t>()[document] = filled ? length : 0;
  impl.length_before.as<uint64_t>()[document + 1] =
      impl.length_before.as<uint64_t>()[document] + (filled ? length : 0);
  impl.filled_before.as<uint32_t>()[document + 1] =
      impl.filled_before.as<uint32_t>()[document] + (filled ? 1U : 0U);
  impl.documents = document + 1;
  impl.bytes += 2 * sizeof(uint32_t) + sizeof(uint64_t);
}

size_t GrowingPostings::memory_bytes() const {
  return impl_->bytes.load(std::memory_order_relaxed);
}

GrowingView::GrowingView(const GrowingPostings& postings, uint32_t documents)
    : impl_(postings.impl_.get()) {
  ALIDADE_CHECK(documents <= impl_->capacity, "{} documents", documents);
  kind_ = impl_->kind;
  documents_ = documents;
  documents_filled_ = impl_->filled_before.as<uint32_t>()[documents];
  length_ = impl_->length_before.as<uint64_t>()[documents];
  lengths_ = {impl_->lengths.as<uint32_t>(), kind_ == PostingsKind::kText ? documents : 0};
}

std::unique_ptr<TermPostings> GrowingView::Find(std::string_view term) const {
  const Table& table = *impl_->table.load(std::memory_order_acquire);
  const Term* found = table.SlotOf(term, Checksum64(term)).load(std::memory_order_acquire);
  if (found == nullptr) {
    return nullptr;
  }
  auto postings =
      std::make_unique<GrowingTerm>(found->first.load(std::memory_order_acquire), documents_);
  if (postings->documents() == 0) {
    return nullptr;
  }
  return postings;
}

}  // namespace alidade
