#include "parse_error_interceptor.h"

#include <string_view>

#include "alidade/common/status.h"

#include "call_runner.h"
#include "grpc_status.h"

namespace alidade {
namespace {

using grpc::experimental::InterceptionHookPoints;

class ParseErrorInterceptor final : public grpc::experimental::Interceptor {
 public:
  void Intercept(grpc::experimental::InterceptorBatchMethods* methods) override {
    if (methods->QueryInterceptionHookPoint(InterceptionHookPoints::PRE_SEND_STATUS)) {
      const grpc::Status status = methods->GetSendStatus();
      if (status.error_code() == grpc::StatusCode::INTERNAL && status.error_details().empty()) {
        const Status refusal =
            WithReason(InvalidArgument("the request is no valid message: malformed protobuf, or a "
                                       "string that is not UTF-8"),
                       "MALFORMED_REQUEST");
        methods->ModifySendStatus(ToGrpcStatus(refusal, NewRequestId()));
      }
    }
    methods->Proceed();
  }
};

}  // namespace

grpc::experimental::Interceptor* ParseErrorInterceptorFactory::CreateServerInterceptor(
    grpc::experimental::ServerRpcInfo* info) {
  const std::string_view method = info->method();
  return method.starts_with("/alidade.") ? new ParseErrorInterceptor() : nullptr;
}

}  // namespace alidade
