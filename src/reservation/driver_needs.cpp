// SPDX-License-Identifier: GPL-2.0-or-later
#include "src/reservation/driver_needs.h"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>

#include "src/base/size.h"

namespace lifeboat::reservation {
namespace {

// Of a driver that is neither for storage nor for a network, such as that of a bus: its queues and buffers in
// virtual machines (docs/reserve.md).
constexpr uint64_t kSmall = 1_MiB;
// Of an unknown one for storage or a network: more than every driver for storage in the table needs that
// makes itself smaller in a capture kernel.
constexpr uint64_t kUnknown = 16_MiB;

constexpr std::string_view kMeasured = "measured in virtual machines";
constexpr std::string_view kBlkMq = "block/blk-mq.c: one queue of 64 requests in a capture kernel";

// Sorted by name within each part. Paths are of the kernel's sources.
constexpr DriverNeed kNeeds[] = {
    // Virtual machines, and plain disks.
    {"ahci", 4_MiB, "drivers/ata/ahci.h: tables of 32 commands for each of up to 32 ports"},
    {"ata_piix", 1_MiB, kBlkMq},
    {"hv_storvsc", 4_MiB,
     "drivers/scsi/storvsc_drv.c: ring buffers of 128 KiB and requests for each channel"},
    {"mmc_block", 2_MiB, "drivers/mmc/core/queue.c: bounce buffers of 64 KiB"},
    {"nvme", 4_MiB, "drivers/nvme/host/pci.c: the admin queue, and one queue of 1024 entries for one CPU"},
    {"sd_mod", 1_MiB, kBlkMq},
    {"sdhci_pci", 1_MiB, "drivers/mmc/host/sdhci.c: one bounce buffer of up to 512 KiB"},
    {"uas", 1_MiB, kBlkMq},
    {"usb_storage", 1_MiB, kBlkMq},
    {"virtio_blk", 1_MiB, kMeasured},
    {"virtio_pci", 1_MiB, kMeasured},
    {"virtio_scsi", 2_MiB, "drivers/scsi/virtio_scsi.c: the control and event queues, and one for requests"},
    {"vmw_pvscsi", 2_MiB,
     "drivers/scsi/vmw_pvscsi.h: rings of at most 32 pages, and a table for each request"},
    {"xen_blkfront", 2_MiB, "drivers/block/xen-blkfront.c: rings of up to 16 pages with persistent grants"},
    {"xhci_pci", 2_MiB,
     "drivers/usb/host/xhci-mem.c: rings, contexts, and scratchpad pages of the controller"},

    // Host adapters. Most know that they are in a capture kernel, and take less.
    {"aacraid", 16_MiB, "drivers/scsi/aacraid/comminit.c: FIBs of up to 4 KiB for 512 to 1024 commands"},
    {"arcmsr", 16_MiB,
     "drivers/scsi/arcmsr/arcmsr_hba.c: command blocks for up to 1024 commands, 4 MiB of xor buffers"},
    {"bfa", 32_MiB,
     "drivers/scsi/bfa: 2000 requests with their tables; nothing is smaller in a capture kernel"},
    {"bnx2fc", 32_MiB, "drivers/scsi/bnx2fc: tasks and tables for 2 Ki to 4 Ki exchanges, and cnic's pages"},
    {"fnic", 16_MiB, "drivers/scsi/fnic: 2048 requests with tables of up to 4 KiB, buffers of frames"},
    {"hisi_sas_v3_hw", 32_MiB, "drivers/scsi/hisi_sas: 4 Ki slots with buffers of 5 KiB"},
    {"hpsa", 8_MiB, "drivers/scsi/hpsa.c: 32 commands with reset_devices"},
    {"ipr", 16_MiB, "drivers/scsi/ipr.c: command blocks of 1000 commands, reset by reset_devices"},
    {"lpfc", 32_MiB,
     "drivers/scsi/lpfc/lpfc_init.c: at most 512 exchanges in a capture kernel; queues, frame buffers"},
    {"megaraid_sas", 16_MiB,
     "drivers/scsi/megaraid/megaraid_sas_fusion.c: 100 commands with reset_devices; maps of drives"},
    {"mpi3mr", 32_MiB,
     "drivers/scsi/mpi3mr: 1 queue with reset_devices, reply and sense buffers as the firmware wants"},
    {"mpt3sas", 16_MiB,
     "drivers/scsi/mpt3sas/mpt3sas_base.c: 200 requests with reset_devices, their chains and sense data"},
    {"pm80xx", 32_MiB, "drivers/scsi/pm8001: 1024 commands with tables of 2 KiB, queues, event logs"},
    {"qedf", 64_MiB, "drivers/scsi/qedf, drivers/net/ethernet/qlogic/qed: contexts of 4 Ki exchanges"},
    {"qla2xxx", 32_MiB,
     "drivers/scsi/qla2xxx/qla_os.c: no multiqueue and no firmware dump in a capture kernel; rings, login "
     "tables"},
    {"smartpqi", 16_MiB,
     "drivers/scsi/smartpqi: 32 requests of at most 512 KiB in a capture kernel; queues, error buffers"},
    {"ufshcd_pci", 4_MiB, "drivers/ufs/core/ufshcd.c: 32 commands with tables of 4 KiB"},

    // Network adapters; they count where a target is reached through them.
    {"be2net", 32_MiB, "drivers/net/ethernet/emulex/benet: one receive ring of 1024 buffers a queue"},
    {"bnx2x", 64_MiB,
     "drivers/net/ethernet/broadcom/bnx2x: contexts and ILT lines as the firmware wants, receive rings"},
    {"bnxt_en", 64_MiB,
     "drivers/net/ethernet/broadcom/bnxt: context memory of the firmware, receive and aggregation rings"},
    {"cxgb4", 64_MiB, "drivers/net/ethernet/chelsio/cxgb4: free lists of up to 64 KiB buffers"},
    {"e1000e", 4_MiB, "drivers/net/ethernet/intel/e1000e: 256 receive buffers"},
    {"ena", 16_MiB, "drivers/net/ethernet/amazon/ena: one queue of 1024 receive buffers"},
    {"enic", 16_MiB, "drivers/net/ethernet/cisco/enic: receive rings of 512 to 4 Ki buffers"},
    {"gve", 16_MiB, "drivers/net/ethernet/google/gve: queue page lists of one queue"},
    {"hv_netvsc", 32_MiB,
     "drivers/net/hyperv/hyperv_net.h: 16 MiB of receive buffer, 1 MiB of send buffer, twice with a VF"},
    {"i40e", 32_MiB, "drivers/net/ethernet/intel/i40e: host memory of the firmware's contexts, one queue"},
    {"ice", 32_MiB, "drivers/net/ethernet/intel/ice: its DDP package, one queue"},
    {"igb", 8_MiB, "drivers/net/ethernet/intel/igb: 256 receive buffers a queue"},
    {"ixgbe", 16_MiB, "drivers/net/ethernet/intel/ixgbe: 512 receive buffers a queue"},
    {"mana", 32_MiB, "drivers/net/ethernet/microsoft/mana: queues as the host configures them"},
    {"mlx4_core", 64_MiB, "drivers/net/ethernet/mellanox/mlx4: context memory of the firmware (ICM)"},
    {"mlx5_core", 150_MiB, "kdump-utils 63f248c, kdump-lib.sh: 124 MiB measured with pages of 4 KiB"},
    {"qede", 64_MiB,
     "drivers/net/ethernet/qlogic/qed: contexts as the firmware wants, receive rings of 8 KiB buffers"},
    {"r8169", 4_MiB, "drivers/net/ethernet/realtek/r8169_main.c: 256 receive buffers of 16 KiB"},
    {"tg3", 8_MiB, "drivers/net/ethernet/broadcom/tg3.c: 512 receive buffers, and jumbo ones"},
    {"virtio_net", 4_MiB, "drivers/net/virtio_net.c: one queue of 256 to 1024 receive buffers"},
    {"vmxnet3", 8_MiB, "drivers/net/vmxnet3: one ring of 1024 receive buffers"},
};

struct Folder {
  std::string_view path;
  DriverKind kind;
};
constexpr std::array<Folder, 12> kFolders = {{{"drivers/ata/", DriverKind::storage},
                                              {"drivers/block/", DriverKind::storage},
                                              {"drivers/firewire/", DriverKind::storage},
                                              {"drivers/infiniband/", DriverKind::network},
                                              {"drivers/memstick/", DriverKind::storage},
                                              {"drivers/message/", DriverKind::storage},
                                              {"drivers/mmc/", DriverKind::storage},
                                              {"drivers/net/", DriverKind::network},
                                              {"drivers/nvme/", DriverKind::storage},
                                              {"drivers/scsi/", DriverKind::storage},
                                              {"drivers/ufs/", DriverKind::storage},
                                              {"drivers/usb/storage/", DriverKind::storage}}};

}  // namespace

std::span<const DriverNeed> driver_needs() {
  return kNeeds;
}

DriverKind driver_kind(std::string_view path) {
  if (path.empty()) return DriverKind::other;
  constexpr std::string_view kKernel = "kernel/";
  const size_t in_kernel = path.starts_with(kKernel) ? 0 : path.find("/kernel/");
  if (in_kernel == std::string_view::npos) return DriverKind::storage;
  const std::string_view below = path.substr(path.find(kKernel, in_kernel) + kKernel.size());
  const auto folder =
      std::ranges::find_if(kFolders, [&](const Folder& known) { return below.starts_with(known.path); });
  return folder == kFolders.end() ? DriverKind::other : folder->kind;
}

DriverUse driver_use(std::string_view name, std::string_view path, uint64_t memory) {
  DriverUse use{.name = std::string(name), .memory = memory, .source = {}};
  std::ranges::replace(use.name, '-', '_');
  if (const auto* const need = std::ranges::find(kNeeds, use.name, &DriverNeed::name);
      need != std::end(kNeeds)) {
    use.bytes = need->bytes;
    use.source = need->source;
  } else if (driver_kind(path) != DriverKind::other) {
    use.bytes = kUnknown;
    use.source = "what its driver allocates is not known";
  } else {
    use.bytes = kSmall;
    use.source = "a driver of a bus: measured in virtual machines";
  }
  return use;
}

}  // namespace lifeboat::reservation
