// DataFilesTest: a fixture with a fresh directory and makers of small data files.
#pragma once

#include <errno.h>

#include <cstdint>
#include <cstring>
#include <fstream>
#include <string>
#include <vector>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <stdlib.h>

#include "alidade/common/file.h"

#include "support/status_matchers.h"

namespace alidade {

class DataFilesTest : public ::testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = ::testing::TempDir() + "alidade_cli_XXXXXX";
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr) << std::strerror(errno);
    directory_ = pattern;
  }
  void TearDown() override { EXPECT_THAT(RemoveTree(directory_), IsOk()); }

  std::string Path(const std::string& name) const { return directory_ + "/" + name; }

  std::string Write(const std::string& name, const std::string& content) const {
    std::ofstream(Path(name), std::ios::binary) << content;
    return Path(name);
  }

  template <typename T>
  static std::string BytesOf(const std::vector<T>& values) {
    return {reinterpret_cast<const char*>(values.data()), values.size() * sizeof(T)};
  }

  // A .npy file with this header text (padded as numpy does) and body.
  static std::string Npy(int version, const std::string& header, const std::string& body) {
    const size_t length_bytes = version == 1 ? 2 : 4;
    std::string text = header;
    while ((8 + length_bytes + text.size() + 1) % 64 != 0) {
      text += ' ';
    }
    text += '\n';
    std::string bytes = "\x93NUMPY";
    bytes += static_cast<char>(version);
    bytes += '\0';
    for (size_t i = 0; i < length_bytes; ++i) {
      bytes += static_cast<char>(text.size() >> (8 * i));
    }
    return bytes + text + body;
  }

  static std::string NpyHeader(const std::string& type,
                               const std::string& shape,
                               const std::string& fortran = "False") {
    return "{'descr': '" + type + "', 'fortran_order': " + fortran + ", 'shape': " + shape + ", }";
  }

  std::string directory_;
};

}  // namespace alidade
