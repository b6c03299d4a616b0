// HttpGet: one request to the server's HTTP port.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdio>
#include <string>

namespace alidade::testing {

struct HttpReply {
  int code = 0;  // 0: no answer
  std::string body;
};

inline HttpReply HttpGet(int port, const std::string& path) {
  HttpReply reply;
  const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<uint16_t>(port));
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string text;
  if (::connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof(address)) == 0) {
    const std::string request =
        "GET " + path + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";
    ssize_t count = ::send(fd, request.data(), request.size(), MSG_NOSIGNAL);
    char buffer[4096];
    while (count > 0 && (count = ::recv(fd, buffer, sizeof(buffer), 0)) > 0) {
      text.append(buffer, static_cast<size_t>(count));
    }
  }
  ::close(fd);
  const size_t end = text.find("\r\n\r\n");
  if (std::sscanf(text.c_str(), "HTTP/1.1 %d", &reply.code) == 1 && end != std::string::npos) {
    reply.body = text.substr(end + 4);
  }
  return reply;
}

// The value of a sample, by its whole name with labels; -1 if it is not there.
inline double MetricValue(const std::string& page, const std::string& sample) {
  const size_t at = page.find("\n" + sample + " ");
  double value = -1;
  if (at != std::string::npos) {
    (void)std::sscanf(page.c_str() + at + sample.size() + 2, "%lf", &value);
  }
  return value;
}

}  // namespace alidade::testing
