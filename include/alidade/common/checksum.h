// Checksums of everything on disk: XXH3 (https://github.com/Cyan4973/xxHash), 64 and 128 bits.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

namespace alidade {

uint64_t Checksum64(std::string_view bytes);

struct Hash128 {
  uint64_t low = 0;
  uint64_t high = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};

Hash128 Checksum128(std::string_view bytes);

// The same over a stream of pieces. Thread-compatible.
class Hasher128 {
 public:
  Hasher128();
  ~Hasher128();
  Hasher128(const Hasher128&) = delete;
  Hasher128& operator=(const Hasher128&) = delete;

  void Update(std::string_view bytes);
  Hash128 Finish() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace alidade
