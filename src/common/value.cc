#include "alidade/common/value.h"

namespace alidade {

Value::Value(List x) : data_(std::move(x)) {}
Value::Value(Object x) : data_(std::move(x)) {}

bool operator==(const Value& a, const Value& b) { return a.data_ == b.data_; }

}  // namespace alidade
