#include "directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <fstream>
#include <sstream>
#include <utility>
#include <vector>

#include "alidade/common/bytes.h"
#include "alidade/common/checksum.h"
#include "alidade/common/failpoint.h"
#include "alidade/common/file.h"

#include "manifest_records.h"

namespace alidade {
namespace {

constexpr uint64_t kWatermarkMagic = 0x31304B524D444C41ULL;  // "ALDMRK01"
constexpr size_t kSlotBytes = 40;
constexpr size_t kSlotStride = 512;  // slots lie in different sectors: a torn write damages one
constexpr size_t kUuidBytes = 16;

std::string FormatBody(int version, std::string_view uuid) {
  std::string hex;
  for (const char c : uuid) {
    hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return fmt::format("alidade {}\nuuid {}\n", version, hex);
}

std::string EncodeSlot(const Watermark::Mark& mark) {
  std::string slot;
  AppendLittleEndian(slot, kWatermarkMagic);
  AppendLittleEndian(slot, mark.seq.value());
  AppendLittleEndian(slot, mark.manifest.number);
  AppendLittleEndian(slot, mark.manifest.bytes);
  AppendLittleEndian(slot, Checksum64(slot));
  return slot;
}

bool DecodeSlot(std::string_view slot, Watermark::Mark& mark) {
  if (slot.size() != kSlotBytes) {
    return false;
  }
  ByteReader in(slot);
  const auto magic = in.Little<uint64_t>();
  mark.seq = SeqNo(in.Little<uint64_t>());
  mark.manifest.number = in.Little<uint64_t>();
  mark.manifest.bytes = in.Little<uint64_t>();
  return magic == kWatermarkMagic &&
         in.Little<uint64_t>() == Checksum64(slot.substr(0, kSlotBytes - sizeof(uint64_t)));
}

std::string WatermarkPath(const std::string& directory) { return directory + "/watermark"; }
std::string CreatingPath(const std::string& directory) { return directory + "/CREATING"; }

StatusOr<std::string> ParseUuid(const std::string& hex) {
  std::string uuid;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    unsigned value = 0;
    const auto [end, error] = std::from_chars(hex.data() + i, hex.data() + i + 2, value, 16);
    if (error != std::errc() || end != hex.data() + i + 2) {
      return DataLoss("uuid \"{}\" is malformed", hex);
    }
    uuid.push_back(static_cast<char>(static_cast<unsigned char>(value)));
  }
  if (uuid.size() != kUuidBytes) {
    return DataLoss("uuid \"{}\" is malformed", hex);
  }
  return uuid;
}

}  // namespace

StatusOr<std::unique_ptr<DirectoryLock>> DirectoryLock::Take(const std::string& directory) {
  const std::string path = directory + "/LOCK";
  const int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0640);
  if (fd < 0) {
    return ErrnoStatus(errno, "open " + path);
  }
  if (::flock(fd, LOCK_EX | LOCK_NB) != 0) {
    const int error = errno;
    ::close(fd);
    if (error == EWOULDBLOCK) {
      return WithReason(FailedPrecondition(
                            "another process uses the data directory {}; stop it first", directory),
                        "DATA_DIRECTORY_LOCKED");
    }
    return ErrnoStatus(error, "lock " + path);
  }
  return std::unique_ptr<DirectoryLock>(new DirectoryLock(fd));
}

DirectoryLock::~DirectoryLock() { ::close(fd_); }

StatusOr<DirectoryFormat> ReadFormat(const std::string& directory) {
  const std::string path = directory + "/FORMAT";
  DirectoryFormat format;
  if (!PathExists(path)) {
    ALIDADE_ASSIGN_OR_RETURN(const auto names, ListDirectory(directory));
    const bool creating = PathExists(CreatingPath(directory));
    for (const std::string& name : names) {
      if (!creating && (name == "watermark" || name == "db" || name == "segments")) {
        return DataLoss("{} is missing although there is a {}/{}: put it back from a copy",
                        path,
                        directory,
                        name);
      }
      // What a creation that was cut short may have left; anything else is not ours to touch.
      if (name != "CREATING" && name != "LOCK" && name != "FORMAT.tmp" && name != "watermark" &&
          name != "db" && name != "segments" && name != "lost+found") {
        return FailedPrecondition(
            "{} holds \"{}\" and no FORMAT file: it is not an Alidade data directory; give an "
            "empty "
            "directory",
            directory,
            name);
      }
    }
    format.fresh = true;
    return format;
  }
  ALIDADE_ASSIGN_OR_RETURN(const std::string text, ReadWholeFile(path));
  std::istringstream in(text);
  std::string word;
  int version = 0;
  std::string uuid_word;
  std::string hex;
  std::string checksum_word;
  std::string checksum;
  in >> word >> version >> uuid_word >> hex >> checksum_word >> checksum;
  if (word == "alidade" && version > kFormatVersion) {
    return FailedPrecondition("{} was written by a newer version (format {}, this one knows {})",
                              directory,
                              version,
                              kFormatVersion);
  }
  const std::string body = text.substr(0, text.find("checksum "));
  if (word != "alidade" || uuid_word != "uuid" || checksum_word != "checksum" ||
      checksum != fmt::format("{:016x}", Checksum64(body))) {
    return DataLoss("{} is damaged", path);
  }
  ALIDADE_ASSIGN_OR_RETURN(format.uuid, ParseUuid(hex));
  return format;
}

Status BeginCreation(const std::string& directory) {
  const std::string path = CreatingPath(directory);
  ALIDADE_RETURN_IF_ERROR(RemoveTree(path));
  ALIDADE_ASSIGN_OR_RETURN(const auto file, FileWriter::Create(path));
  ALIDADE_RETURN_IF_ERROR(file->SyncAndClose());
  return SyncDirectory(directory);
}

Status EndCreation(const std::string& directory) {
  if (!PathExists(CreatingPath(directory))) {
    return OkStatus();
  }
  ALIDADE_RETURN_IF_ERROR(RemoveTree(CreatingPath(directory)));
  return SyncDirectory(directory);
}

StatusOr<ManifestEnd> ReadManifestEnd(const std::string& db_directory, bool sync) {
  // A new manifest may take over between the reading of CURRENT and the look at the file.
  constexpr int kTries = 3;
  constexpr std::string_view kPrefix = "MANIFEST-";
  std::string name;
  for (int i = 0; i < kTries; ++i) {
    ALIDADE_ASSIGN_OR_RETURN(name, ReadWholeFile(db_directory + "/CURRENT"));
    while (!name.empty() && name.back() == '\n') {
      name.pop_back();
    }
    ManifestEnd end;
    const char* digits = name.data() + std::min(name.size(), kPrefix.size());
    const auto [stop, error] = std::from_chars(digits, name.data() + name.size(), end.number);
    if (!name.starts_with(kPrefix) || error != std::errc() || stop != name.data() + name.size()) {
      return DataLoss("{}/CURRENT names no manifest: \"{}\"", db_directory, name.substr(0, 64));
    }
    const int fd = ::open(fmt::format("{}/{}", db_directory, name).c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
      continue;
    }
    struct stat info {};
    const bool known = ::fstat(fd, &info) == 0 && (!sync || ::fdatasync(fd) == 0);
    const int problem = errno;
    ::close(fd);
    if (!known) {
      return ErrnoStatus(problem, "look at " + name);
    }
    end.bytes = static_cast<uint64_t>(info.st_size);
    return end;
  }
  return DataLoss("{}/{} is missing", db_directory, name);
}

StatusOr<ManifestEnd> ReadWholeManifestEnd(const std::string& db_directory,
                                           bool sync,
                                           const ManifestEnd& known) {
  ALIDADE_ASSIGN_OR_RETURN(ManifestEnd end, ReadManifestEnd(db_directory, sync));
  const uint64_t from = end.number == known.number ? std::min(known.bytes, end.bytes) : 0;
  const std::string path = fmt::format("{}/MANIFEST-{:06}", db_directory, end.number);
  std::ifstream file(path, std::ios::binary);
  std::string bytes(end.bytes - from, '\0');
  file.seekg(static_cast<std::streamoff>(from));
  if (!file.read(bytes.data(), static_cast<std::streamsize>(bytes.size()))) {
    return DataLoss("{} cannot be read", path);
  }
  end.bytes = WholeRecords(bytes, from);
  return end;
}

Status PublishFormat(const std::string& directory, std::string_view uuid) {
  const std::string temporary = directory + "/FORMAT.tmp";
  ALIDADE_RETURN_IF_ERROR(RemoveTree(temporary));
  ALIDADE_ASSIGN_OR_RETURN(const auto file, FileWriter::Create(temporary));
  const std::string body = FormatBody(kFormatVersion, uuid);
  ALIDADE_RETURN_IF_ERROR(
      file->Append(fmt::format("{}checksum {:016x}\n", body, Checksum64(body))));
  ALIDADE_RETURN_IF_ERROR(file->SyncAndClose());
  ALIDADE_FAILPOINT("storage.create.before_format");
  ALIDADE_RETURN_IF_ERROR(RenamePath(temporary, directory + "/FORMAT"));
  ALIDADE_RETURN_IF_ERROR(SyncDirectory(directory));
  ALIDADE_FAILPOINT("storage.create.after_format");
  return OkStatus();
}

StatusOr<std::string> RandomUuid() {
  std::string bytes(kUuidBytes, '\0');
  if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
    return ErrnoStatus(errno, "getrandom");
  }
  return bytes;
}

Status Watermark::Create(const std::string& directory) {
  const std::string path = WatermarkPath(directory);
  ALIDADE_RETURN_IF_ERROR(RemoveTree(path));
  ALIDADE_ASSIGN_OR_RETURN(const auto file, FileWriter::Create(path));
  std::string bytes = EncodeSlot({});
  bytes.resize(kSlotStride, '\0');
  bytes += bytes;
  ALIDADE_RETURN_IF_ERROR(file->Append(bytes));
  return file->SyncAndClose();
}

StatusOr<std::unique_ptr<Watermark>> Watermark::Open(const std::string& directory, bool read_only) {
  const std::string path = WatermarkPath(directory);
  const int fd = ::open(path.c_str(), (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC);
  if (fd < 0) {
    return errno == ENOENT ? DataLoss("{} is missing", path) : ErrnoStatus(errno, "open " + path);
  }
  Mark best;
  int slots = 0;
  int newest = 0;
  for (int slot = 0; slot < 2; ++slot) {
    char bytes[kSlotBytes];
    const ssize_t got = ::pread(fd, bytes, kSlotBytes, static_cast<off_t>(kSlotStride) * slot);
    Mark mark;
    if (got == static_cast<ssize_t>(kSlotBytes) && DecodeSlot({bytes, kSlotBytes}, mark)) {
      // Of two marks with one seq the later has the later manifest.
      if (slots == 0 || std::pair(mark.seq, mark.manifest) > std::pair(best.seq, best.manifest)) {
        newest = slot;
        best = mark;
      }
      ++slots;
    }
  }
  if (slots == 0) {
    ::close(fd);
    return DataLoss("both slots of {} are damaged", path);
  }
  return std::unique_ptr<Watermark>(new Watermark(fd, best, 1 - newest));
}

Watermark::~Watermark() { ::close(fd_); }

Status Watermark::Write(const Mark& mark) {
  const std::string slot = EncodeSlot(mark);
  const off_t offset = static_cast<off_t>(kSlotStride) * next_slot_;
  ALIDADE_FAILPOINT("storage.before_watermark");
  if (::pwrite(fd_, slot.data(), slot.size(), offset) != static_cast<ssize_t>(slot.size()) ||
      ::fdatasync(fd_) != 0) {
    return ErrnoStatus(errno, "write the watermark");
  }
  ALIDADE_FAILPOINT("storage.after_watermark");
  mark_ = mark;
  next_slot_ = 1 - next_slot_;
  return OkStatus();
}

}  // namespace alidade
