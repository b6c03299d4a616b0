// Shows TSan the order that a call brings about. gRPC hands a call from thread to thread with locks
// that TSan does not see, so what a test prepares before a call would look like a race with the
// handler that reads it. Here both sides pass through one mutex: the stand-in for the engine with a
// VisibleOrder, the client when its context is made and when it ends (visible_calls.cc).
#pragma once

namespace alidade {

class VisibleOrder {
 public:
  VisibleOrder() { PassThrough(); }
  ~VisibleOrder() { PassThrough(); }
  VisibleOrder(const VisibleOrder&) = delete;
  VisibleOrder& operator=(const VisibleOrder&) = delete;

  static void PassThrough();
};

}  // namespace alidade
