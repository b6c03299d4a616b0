#include "directory.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <sstream>
#include <vector>

#include "alidade/common/bytes.h"
#include "alidade/common/checksum.h"
#include "alidade/common/failpoint.h"
#include "alidade/common/file.h"

namespace alidade {
namespace {

constexpr uint64_t kWatermarkMagic = 0x31304B524D444C41ULL;  // "ALDMRK01"
constexpr size_t kSlotBytes = 24;
constexpr size_t kSlotStride = 512;  // slots lie in different sectors: a torn write damages one
constexpr size_t kUuidBytes = 16;

std::string FormatBody(int version, std::string_view uuid) {
  std::string hex;
  for (const char c : uuid) {
    hex += fmt::format("{:02x}", static_cast<unsigned char>(c));
  }
  return fmt::format("alidade {}\nuuid {}\n", version, hex);
}

std::string EncodeSlot(SeqNo seq) {
  std::string slot;
  AppendLittleEndian(slot, kWatermarkMagic);
  AppendLittleEndian(slot, seq.value());
  AppendLittleEndian(slot, Checksum64(slot));
  return slot;
}

bool DecodeSlot(std::string_view slot, SeqNo& seq) {
  if (slot.size() != kSlotBytes) {
    return false;
  }
  ByteReader in(slot);
  const auto magic = in.Little<uint64_t>();
  seq = SeqNo(in.Little<uint64_t>());
  return magic == kWatermarkMagic && in.Little<uint64_t>() == Checksum64(slot.substr(0, 16));
}

std::string WatermarkPath(const std::string& directory) { return directory + "/watermark"; }

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
    for (const std::string& name : names) {
      // What a creation that was cut short may have left; anything else is not ours to touch.
      if (name != "LOCK" && name != "FORMAT.tmp" && name != "watermark" && name != "db" &&
          name != "segments" && name != "lost+found") {
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
  std::string bytes = EncodeSlot(SeqNo(0));
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
  SeqNo best;
  int slots = 0;
  int newest = 0;
  for (int slot = 0; slot < 2; ++slot) {
    char bytes[kSlotBytes];
    const ssize_t got = ::pread(fd, bytes, kSlotBytes, static_cast<off_t>(kSlotStride) * slot);
    SeqNo seq;
    if (got == static_cast<ssize_t>(kSlotBytes) && DecodeSlot({bytes, kSlotBytes}, seq)) {
      newest = slots == 0 || seq > best ? slot : newest;
      best = std::max(best, seq);
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

Status Watermark::Write(SeqNo seq) {
  const std::string slot = EncodeSlot(seq);
  const off_t offset = static_cast<off_t>(kSlotStride) * next_slot_;
  ALIDADE_FAILPOINT("storage.before_watermark");
  if (::pwrite(fd_, slot.data(), slot.size(), offset) != static_cast<ssize_t>(slot.size()) ||
      ::fdatasync(fd_) != 0) {
    return ErrnoStatus(errno, "write the watermark");
  }
  ALIDADE_FAILPOINT("storage.after_watermark");
  seq_ = seq;
  next_slot_ = 1 - next_slot_;
  return OkStatus();
}

}  // namespace alidade
