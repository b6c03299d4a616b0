// Changing a collection's configuration: an operation of the commit group, like every write.
#include <algorithm>
#include <functional>
#include <limits>
#include <memory>
#include <utility>

#include "alidade/collection/collection.h"
#include "alidade/collection/config_codec.h"

#include "field_lookup.h"

namespace alidade {

class ChangeConfigOperation final : public CommitOperation {
 public:
  using Change = std::function<Status(CollectionConfig&)>;

  ChangeConfigOperation(Collection& collection, const Change& change)
      : collection_(collection), change_(change) {}

  Status Prepare(CommitContext& context) override {
    if (collection_.dropped_) {
      return NotFound("the collection was dropped");
    }
    next_ = std::make_shared<CollectionConfig>(*collection_.config());
    ALIDADE_RETURN_IF_ERROR(change_(*next_));
    context.batch.PutMeta(
        MetaKind::kCollection, CollectionMetaName(collection_.id_), EncodeConfig(*next_));
    return OkStatus();
  }

  void Apply(SeqNo seq) override {
    collection_.schema_ = next_->schema();
    collection_.config_.Set(next_);
    collection_.PublishView(seq);
  }

  bool alone() const override { return true; }

 private:
  Collection& collection_;
  const Change& change_;
  std::shared_ptr<CollectionConfig> next_;
};

Status Collection::UpdateConfig(const CollectionUpdate& update,
                                const std::function<Status(const CollectionConfig&)>& validate) {
  const ChangeConfigOperation::Change change = [&](CollectionConfig& config) -> Status {
    config.description = update.description.value_or(config.description);
    config.labels = update.labels.value_or(config.labels);
    config.default_ef = update.default_ef.value_or(config.default_ef);
    config.default_nprobe = update.default_nprobe.value_or(config.default_nprobe);
    for (const auto& [name, index] : update.indexes) {
      ALIDADE_ASSIGN_OR_RETURN(const FieldIndex field,
                               FindFieldOrError(config.schema(), name, "vector_fields.name"));
      config.fields[field].index = index;
    }
    return validate(config);
  };
  ChangeConfigOperation operation(*this, change);
  return context_.commits->Submit(operation).status();
}

Status Collection::ChangePayloadIndex(const PayloadIndexChange& wanted) {
  const auto is_wanted = [&](const PayloadIndexSpec& spec) {
    return spec.key == wanted.key && spec.type == wanted.type;
  };
  const auto present = [&](const CollectionConfig& config) {
    return std::ranges::any_of(config.payload_indexes, is_wanted);
  };
  // To remove one, whatever it says of tenants; to have one, only if it says the same.
  const auto fits = [&](const CollectionConfig& config) {
    return std::ranges::any_of(config.payload_indexes, [&](const PayloadIndexSpec& spec) {
      return is_wanted(spec) && spec.tenant == wanted.tenant;
    });
  };
  if (wanted.lenient && (wanted.remove ? !present(*config()) : fits(*config()))) {
    return OkStatus();
  }
  const ChangeConfigOperation::Change change = [&](CollectionConfig& config) -> Status {
    const std::string_view type = PayloadIndexTypeName(wanted.type);
    if (wanted.remove) {
      return std::erase_if(config.payload_indexes, is_wanted) > 0 || wanted.lenient
                 ? OkStatus()
                 : WithReason(NotFound("there is no {} index on \"{}\"", type, wanted.key),
                              "PAYLOAD_INDEX_NOT_FOUND");
    }
    if (present(config)) {
      return wanted.lenient && fits(config)
                 ? OkStatus()
                 : WithReason(AlreadyExists("there is a {} index on \"{}\"", type, wanted.key),
                              "PAYLOAD_INDEX_EXISTS");
    }
    if (config.payload_indexes.size() >= kPayloadIndexesMax) {
      return ResourceExhausted("the collection has {} payload indexes, the most that it may have",
                               kPayloadIndexesMax);
    }
    if (config.next_payload_index.value() == std::numeric_limits<uint16_t>::max()) {
      return ResourceExhausted("the collection has had {} payload indexes, the most there can be",
                               config.next_payload_index.value());
    }
    if (const PayloadIndexSpec* tenant = FindTenantIndex(config.payload_indexes);
        wanted.tenant && tenant != nullptr) {
      return FieldError("payload_index.tenant", "is \"{}\" already, there can be one", tenant->key);
    }
    config.payload_indexes.push_back(
        {config.next_payload_index, wanted.key, wanted.type, wanted.text, wanted.tenant});
    config.next_payload_index = config.next_payload_index.Next();
    return OkStatus();
  };
  ChangeConfigOperation operation(*this, change);
  return context_.commits->Submit(operation).status();
}

}  // namespace alidade
