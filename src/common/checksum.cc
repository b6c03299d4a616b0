#include "alidade/common/checksum.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "alidade/common/check.h"

namespace alidade {

uint64_t Checksum64(std::string_view bytes) { return XXH3_64bits(bytes.data(), bytes.size()); }

Hash128 Checksum128(std::string_view bytes) {
  const XXH128_hash_t hash = XXH3_128bits(bytes.data(), bytes.size());
  return {hash.low64, hash.high64};
}

struct Hasher128::State {
  XXH3_state_t xxh;
};

Hasher128::Hasher128() : state_(std::make_unique<State>()) {
  ALIDADE_CHECK(XXH3_128bits_reset(&state_->xxh) == XXH_OK, "hash state");
}

Hasher128::~Hasher128() = default;

void Hasher128::Update(std::string_view bytes) {
  ALIDADE_CHECK(XXH3_128bits_update(&state_->xxh, bytes.data(), bytes.size()) == XXH_OK, "hash");
}

Hash128 Hasher128::Finish() const {
  const XXH128_hash_t hash = XXH3_128bits_digest(&state_->xxh);
  return {hash.low64, hash.high64};
}

}  // namespace alidade
