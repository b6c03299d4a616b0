// Value and Object: the typed payload of a point. Integers and doubles stay distinct.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <variant>
#include <vector>

namespace alidade {

class Value;
using List = std::vector<Value>;
// Keys are unique and ordered by bytes, so that equal objects have equal encodings.
using Object = std::map<std::string, Value>;

class Value {
 public:
  using Null = std::monostate;

  Value() = default;
  explicit Value(bool x) : data_(x) {}
  explicit Value(int64_t x) : data_(x) {}
  explicit Value(double x) : data_(x) {}
  explicit Value(std::string x) : data_(std::move(x)) {}
  explicit Value(const char* x) : data_(std::string(x)) {}
  explicit Value(List x);
  explicit Value(Object x);

  const auto& data() const { return data_; }
  template <typename T>
  const T* As() const {
    return std::get_if<T>(&data_);
  }

  friend bool operator==(const Value& a, const Value& b);

 private:
  std::variant<Null, bool, int64_t, double, std::string, List, Object> data_;
};

bool operator==(const Value& a, const Value& b);

}  // namespace alidade
