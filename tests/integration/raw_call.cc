#include "integration/raw_call.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <chrono>
#include <cstdint>
#include <cstring>

namespace alidade::testing {
namespace {

// RFC 9113, section 6.
constexpr char kData = 0;
constexpr char kHeaders = 1;
constexpr char kResetStream = 3;
constexpr char kSettings = 4;
constexpr char kEndStream = 1;
constexpr char kEndHeaders = 4;
constexpr size_t kFrameHeaderBytes = 9;

std::string BigEndian(uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) {
    out.push_back(static_cast<char>(value >> (8 * i)));
  }
  return out;
}

std::string Frame(char type, char flags, uint32_t stream, const std::string& payload) {
  return BigEndian(payload.size(), 3) + type + flags + BigEndian(stream, 4) + payload;
}

// HPACK: a literal that enters no table, without Huffman coding; short texts only.
std::string Header(const std::string& name, const std::string& value) {
  return std::string(1, '\0') + static_cast<char>(name.size()) + name +
         static_cast<char>(value.size()) + value;
}

uint32_t Number(const std::string& bytes, size_t at, size_t count) {
  uint32_t value = 0;
  for (size_t i = 0; i < count; ++i) {
    value = value << 8 | static_cast<uint8_t>(bytes[at + i]);
  }
  return value;
}

// The end of the first stream, if it is in what was received.
bool StreamEnded(const std::string& received, grpc::Status& status) {
  size_t at = 0;
  while (at + kFrameHeaderBytes <= received.size()) {
    const size_t length = Number(received, at, 3);
    const char type = received[at + 3];
    const char flags = received[at + 4];
    const bool ours = Number(received, at + 5, 4) == 1;
    if (at + kFrameHeaderBytes + length > received.size()) {
      return false;
    }
    if (ours && type == kResetStream) {
      status = grpc::Status(grpc::StatusCode::CANCELLED, "the stream was reset");
      return true;
    }
    if (ours && type == kHeaders && (flags & kEndStream) != 0) {
      const std::string block = received.substr(at + kFrameHeaderBytes, length);
      constexpr char kName[] = "grpc-status";
      const size_t name = block.find(kName);
      const size_t value = name + std::strlen(kName);
      if (name == std::string::npos || value + 1 >= block.size()) {
        status = grpc::Status(grpc::StatusCode::UNKNOWN, "no status in the trailers");
        return true;
      }
      int code = 0;
      for (size_t i = 0; i < static_cast<size_t>(block[value]); ++i) {
        code = code * 10 + (block[value + 1 + i] - '0');
      }
      status = grpc::Status(static_cast<grpc::StatusCode>(code), "from the trailers");
      return true;
    }
    at += kFrameHeaderBytes + length;
  }
  return false;
}

}  // namespace

grpc::Status RawCall(int port,
                     const std::string& method,
                     const std::string& message,
                     const std::string& grpc_timeout) {
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  grpc::Status status(grpc::StatusCode::UNKNOWN, "no answer");
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    std::string headers = Header(":method", "POST") + Header(":scheme", "http") +
                          Header(":path", method) + Header(":authority", "localhost") +
                          Header("te", "trailers") + Header("content-type", "application/grpc");
    if (!grpc_timeout.empty()) {
      headers += Header("grpc-timeout", grpc_timeout);
    }
    const std::string body = std::string(1, '\0') + BigEndian(message.size(), 4) + message;
    const std::string request = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + Frame(kSettings, 0, 0, "") +
                                Frame(kHeaders, kEndHeaders, 1, headers) +
                                Frame(kData, kEndStream, 1, body);
    std::string received;
    bool open = ::send(fd, request.data(), request.size(), MSG_NOSIGNAL) ==
                static_cast<ssize_t>(request.size());
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (open && !StreamEnded(received, status) && std::chrono::steady_clock::now() < give_up) {
      pollfd readable{fd, POLLIN, 0};
      char buffer[4096];
      if (::poll(&readable, 1, 100) > 0) {
        const ssize_t count = ::recv(fd, buffer, sizeof(buffer), 0);
        open = count > 0;
        received.append(buffer, count > 0 ? static_cast<size_t>(count) : 0);
      }
    }
  }
  ::close(fd);
  return status;
}

}  // namespace alidade::testing
