// Writes the golden directory of today's format: see tests/golden/README.md.
#include <cstdio>
#include <string>

#include "alidade/common/file.h"

#include "golden_set.h"

int main(int argc, char** argv) {
  if (argc != 2 || alidade::PathExists(argv[1])) {
    std::fprintf(stderr, "usage: write_golden DIRECTORY    (that does not exist yet)\n");
    return 64;
  }
  const std::string directory = argv[1];
  const alidade::Status written = alidade::WriteGoldenDirectory(directory + "/data");
  if (!written.ok()) {
    std::fprintf(stderr, "write_golden: %s\n", alidade::MessageOf(written).c_str());
    return 1;
  }
  auto file = alidade::FileWriter::Create(directory + "/records.txt");
  alidade::Status status = file.status();
  for (const std::string& record : alidade::GoldenRecords()) {
    if (status.ok()) {
      status = (*file)->Append(record + "\n");
    }
  }
  if (status.ok()) {
    status = (*file)->SyncAndClose();
  }
  if (!status.ok()) {
    std::fprintf(stderr, "write_golden: %s\n", alidade::MessageOf(status).c_str());
    return 1;
  }
  return 0;
}
