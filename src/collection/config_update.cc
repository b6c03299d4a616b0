// Changing a collection's configuration: an operation of the commit group, like every write.
#include <memory>
#include <utility>

#include "alidade/collection/collection.h"
#include "alidade/collection/config_codec.h"

namespace alidade {

class UpdateConfigOperation final : public CommitOperation {
 public:
  UpdateConfigOperation(Collection& collection,
                        const CollectionUpdate& update,
                        const std::function<Status(const CollectionConfig&)>& validate)
      : collection_(collection), update_(update), validate_(validate) {}

  Status Prepare(CommitContext& context) override {
    if (collection_.dropped_) {
      return NotFound("the collection was dropped");
    }
    next_ = std::make_shared<CollectionConfig>(*collection_.config());
    next_->description = update_.description.value_or(next_->description);
    next_->labels = update_.labels.value_or(next_->labels);
    next_->default_ef = update_.default_ef.value_or(next_->default_ef);
    next_->default_nprobe = update_.default_nprobe.value_or(next_->default_nprobe);
    Schema schema = collection_.schema_;
    for (const auto& [name, index] : update_.indexes) {
      ALIDADE_ASSIGN_OR_RETURN(const FieldIndex field,
                               collection_.FindFieldOrError(schema, name, "vector_fields.name"));
      next_->fields[field].index = index;
    }
    ALIDADE_RETURN_IF_ERROR(validate_(*next_));
    context.batch.PutMeta(
        MetaKind::kCollection, CollectionMetaName(collection_.id_), EncodeConfig(*next_));
    return OkStatus();
  }

  void Apply(SeqNo seq) override {
    collection_.schema_.fields = next_->fields;
    collection_.config_.Set(next_);
    collection_.PublishView(seq);
  }

  bool alone() const override { return true; }

 private:
  Collection& collection_;
  const CollectionUpdate& update_;
  const std::function<Status(const CollectionConfig&)>& validate_;
  std::shared_ptr<CollectionConfig> next_;
};

Status Collection::UpdateConfig(const CollectionUpdate& update,
                                const std::function<Status(const CollectionConfig&)>& validate) {
  UpdateConfigOperation operation(*this, update, validate);
  return context_.commits->Submit(operation).status();
}

}  // namespace alidade
