#include "tenant_rows.h"

#include <algorithm>
#include <string>
#include <unordered_map>
#include <utility>

#include "alidade/filter/scalar.h"

namespace alidade {
namespace {

// What orders tenants; empty: nobody's.
std::string TenantKey(ScalarReader& values, std::string_view payload) {
  std::string key;
  for (const Scalar& scalar : values.Of(payload)) {
    const std::string other = SortKey(scalar);
    key = key.empty() ? other : std::min(key, other);
  }
  return key;
}

}  // namespace

RowTenants SortByTenant(const PayloadIndexSpec& tenant, size_t kept, RowSelection& selection) {
  struct Keyed {
    std::string key;
    RowSelection::Entry entry;
  };
  std::vector<Keyed> rows;
  rows.reserve(selection.rows.size());
  ScalarReader values(tenant.key);
  for (const RowSelection::Entry& entry : selection.rows) {
    rows.push_back({TenantKey(values, entry.source->payload(entry.row, selection.at)), entry});
  }
  std::ranges::stable_sort(
      rows.begin() + static_cast<ptrdiff_t>(kept), rows.end(), {}, &Keyed::key);
  RowTenants tenants;
  tenants.reserve(rows.size());
  std::unordered_map<std::string_view, uint32_t> numbers;  // of keys in `rows`
  for (size_t row = 0; row < rows.size(); ++row) {
    selection.rows[row] = rows[row].entry;
    const auto next = static_cast<uint32_t>(numbers.size() + 1);
    tenants.push_back(
        rows[row].key.empty() ? 0 : numbers.try_emplace(rows[row].key, next).first->second);
  }
  return tenants;
}

SubsetGraphs::Subsets LargeTenants(const RowTenants& tenants,
                                   const RowSelection& selection,
                                   FieldIndex field,
                                   uint32_t rows_min) {
  RowTenants by_slot;
  std::vector<uint32_t> counts(size_t{1} +
                               (tenants.empty() ? 0 : *std::ranges::max_element(tenants)));
  for (size_t row = 0; row < tenants.size(); ++row) {
    const RowSelection::Entry& entry = selection.rows[row];
    if (entry.source->vector(field, entry.row).has_value()) {
      by_slot.push_back(tenants[row]);
      ++counts[tenants[row]];
    }
  }
  constexpr uint32_t kNone = 0xFFFFFFFF;
  SubsetGraphs::Subsets large;
  std::vector<uint32_t> places(counts.size(), kNone);  // in `large`
  for (uint32_t slot = 0; slot < by_slot.size(); ++slot) {
    const uint32_t tenant = by_slot[slot];
    if (tenant == 0 || counts[tenant] < rows_min || counts[tenant] == by_slot.size()) {
      continue;
    }
    if (places[tenant] == kNone) {
      places[tenant] = static_cast<uint32_t>(large.size());
      large.emplace_back().reserve(counts[tenant]);
    }
    large[places[tenant]].push_back(slot);
  }
  return large;
}

}  // namespace alidade
