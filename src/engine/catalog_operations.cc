#include "catalog_operations.h"

#include <utility>

#include "alidade/collection/config_codec.h"
#include "alidade/common/bytes.h"
#include "alidade/common/failpoint.h"

namespace alidade {
namespace {

constexpr std::string_view kNextCollectionName = "next_collection";

}  // namespace

Status CreateOperation::Prepare(CommitContext& context) {
  ALIDADE_FAILPOINT("create.prepare");
  auto next = CopyCatalog();
  if (next->collections.contains(config_.name) || next->aliases.contains(config_.name)) {
    return WithReason(AlreadyExists("there is a {} \"{}\" already",
                                    next->aliases.contains(config_.name) ? "alias" : "collection",
                                    config_.name),
                      "COLLECTION_EXISTS");
  }
  if (next->collections.size() >= impl_.options.limits.collections_max) {
    return ResourceExhausted("there are {} collections, the limit (limits.collections_max)",
                             next->collections.size());
  }
  for (size_t i = 0; i < config_.fields.size(); ++i) {
    config_.fields[i].id = FieldId(static_cast<uint16_t>(i + 1));
  }
  for (size_t i = 0; i < config_.sparse_fields.size(); ++i) {
    config_.sparse_fields[i].id = FieldId(static_cast<uint16_t>(config_.fields.size() + i + 1));
  }
  for (size_t i = 0; i < config_.multi_vector_fields.size(); ++i) {
    config_.multi_vector_fields[i].id = FieldId(
        static_cast<uint16_t>(config_.fields.size() + config_.sparse_fields.size() + i + 1));
  }
  for (PayloadIndexSpec& index : config_.payload_indexes) {
    index.id = config_.next_payload_index;
    config_.next_payload_index = config_.next_payload_index.Next();
  }
  const CollectionId id(impl_.next_collection++);
  context.batch.PutMeta(MetaKind::kCollection, CollectionMetaName(id), EncodeConfig(config_));
  std::string value;
  AppendLittleEndian(value, impl_.next_collection);
  context.batch.PutMeta(MetaKind::kServer, kNextCollectionName, value);
  made_ = std::make_shared<Collection>(impl_.ContextForCollections(), id, config_);
  next->collections[config_.name] = made_;
  next_ = std::move(next);
  return OkStatus();
}

Status DropOperation::Prepare(CommitContext& context) {
  ALIDADE_FAILPOINT("drop.prepare");
  auto next = CopyCatalog();
  const auto found = next->collections.find(name_);
  if (found == next->collections.end()) {
    if (next->aliases.contains(name_)) {
      return FailedPrecondition(
          "\"{}\" is an alias; drop the collection \"{}\" or remove the alias",
          name_,
          next->aliases.at(name_));
    }
    return NoSuchCollection(*next, name_);
  }
  victim_ = found->second;
  const std::string id = CollectionMetaName(victim_->id());
  context.batch.DeleteMeta(MetaKind::kCollection, id);
  context.batch.DeleteMeta(MetaKind::kState, id);
  context.batch.PutMeta(MetaKind::kDropped, id, "");
  for (auto it = next->aliases.begin(); it != next->aliases.end();) {
    if (it->second == name_) {
      context.batch.DeleteMeta(MetaKind::kAlias, it->first);
      it = next->aliases.erase(it);
    } else {
      ++it;
    }
  }
  next->collections.erase(found);
  victim_->MarkDropped();
  next_ = std::move(next);
  return OkStatus();
}

void DropOperation::Apply(SeqNo seq) {
  CatalogOperation::Apply(seq);
  victim_->RemoveFilesWhenUnused();
  MutexLock lock(impl_.mutex);
  impl_.dropped.push_back(victim_->id());
  impl_.changed.NotifyAll();
}

Status AliasesOperation::Prepare(CommitContext& context) {
  auto next = CopyCatalog();
  for (size_t i = 0; i < actions_.size(); ++i) {
    const AliasAction& action = actions_[i];
    const std::string path = fmt::format("actions[{}]", i);
    if (action.collection.empty()) {
      next->aliases.erase(action.alias);  // a missing one is no error: a retry is harmless
      continue;
    }
    if (next->collections.contains(action.alias)) {
      return AlreadyExists("{}: \"{}\" is the name of a collection", path, action.alias);
    }
    if (!next->collections.contains(action.collection)) {
      return NoSuchCollection(*next, action.collection);
    }
    next->aliases[action.alias] = action.collection;
  }
  const auto before = impl_.catalog.Get();
  for (const auto& [alias, collection] : before->aliases) {
    if (!next->aliases.contains(alias)) {
      context.batch.DeleteMeta(MetaKind::kAlias, alias);
    }
  }
  for (const auto& [alias, collection] : next->aliases) {
    context.batch.PutMeta(MetaKind::kAlias, alias, collection);
  }
  next_ = std::move(next);
  return OkStatus();
}

}  // namespace alidade
