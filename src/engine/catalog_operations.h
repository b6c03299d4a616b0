// Operations on the catalog: they pass the commit group like every other write, so they are ordered
// with them.
//
// Path: life of a collection (from engine/engine.cc, to collection/commit_group.cc)
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "engine_impl.h"

namespace alidade {

class CatalogOperation : public CommitOperation {
 public:
  explicit CatalogOperation(Engine::Impl& impl) : impl_(impl) {}
  // The next catalog, made by Prepare, becomes visible.
  void Apply(SeqNo) override { impl_.catalog.Set(next_); }
  bool alone() const override { return true; }

 protected:
  std::shared_ptr<Catalog> CopyCatalog() const {
    return std::make_shared<Catalog>(*impl_.catalog.Get());
  }

  Engine::Impl& impl_;
  std::shared_ptr<const Catalog> next_;
};

class CreateOperation final : public CatalogOperation {
 public:
  CreateOperation(Engine::Impl& impl, const CollectionConfig& config)
      : CatalogOperation(impl), config_(config) {}
  Status Prepare(CommitContext& context) override;
  const std::shared_ptr<Collection>& made() const { return made_; }

 private:
  CollectionConfig config_;
  std::shared_ptr<Collection> made_;
};

class DropOperation final : public CatalogOperation {
 public:
  DropOperation(Engine::Impl& impl, std::string name)
      : CatalogOperation(impl), name_(std::move(name)) {}
  Status Prepare(CommitContext& context) override;
  void Apply(SeqNo seq) override;
  bool allowed_on_full_disk() const override { return true; }

 private:
  const std::string name_;
  std::shared_ptr<Collection> victim_;
};

class AliasesOperation final : public CatalogOperation {
 public:
  AliasesOperation(Engine::Impl& impl, const std::vector<AliasAction>& actions)
      : CatalogOperation(impl), actions_(actions) {}
  Status Prepare(CommitContext& context) override;

 private:
  const std::vector<AliasAction>& actions_;
};

}  // namespace alidade
