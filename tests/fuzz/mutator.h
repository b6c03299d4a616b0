// Mutator: damaged copies of valid encodings.
#pragma once

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <utility>
#include <vector>

namespace alidade::fuzz {

// Deterministic: the same arguments give the same copies in the same order. Borrows its arguments.
class Mutator {
 public:
  Mutator(uint64_t seed,
          const std::vector<std::string>& corpus,
          const std::vector<std::string>& words,
          const std::vector<std::pair<size_t, size_t>>& hot)
      : random_(seed), corpus_(corpus), words_(words), hot_(hot) {}

  std::string Next();

 private:
  uint64_t Below(uint64_t bound) { return bound == 0 ? 0 : random_() % bound; }
  size_t Position(size_t size);
  void Damage(std::string& bytes);
  void Overwrite(std::string& bytes, uint64_t value, size_t width);
  void OverwriteWithEdge(std::string& bytes);
  void EditLength(std::string& bytes);
  void Insert(std::string& bytes);
  void Splice(std::string& bytes);

  std::mt19937_64 random_;
  const std::vector<std::string>& corpus_;
  const std::vector<std::string>& words_;
  const std::vector<std::pair<size_t, size_t>>& hot_;
};

}  // namespace alidade::fuzz
