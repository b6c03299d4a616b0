#include "visible_calls.h"

#include <grpcpp/client_context.h>

#include "alidade/common/mutex.h"

namespace alidade {
namespace {

class ClientCalls final : public grpc::ClientContext::GlobalCallbacks {
  void DefaultConstructor(grpc::ClientContext*) override { VisibleOrder::PassThrough(); }
  void Destructor(grpc::ClientContext*) override { VisibleOrder::PassThrough(); }
};

const bool kInstalled = [] {
  static ClientCalls calls;
  grpc::ClientContext::SetGlobalCallbacks(&calls);
  return true;
}();

}  // namespace

void VisibleOrder::PassThrough() {
  static Mutex mutex;
  MutexLock guard(mutex);
}

}  // namespace alidade
