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
// Of an unknown one for storage or a network: more than most drivers for storage in the table need that make
// themselves smaller in a capture kernel.
constexpr uint64_t kUnknown = 16_MiB;

constexpr std::string_view kMeasured = "measured in virtual machines";
constexpr std::string_view kBlkMq =
    "block/blk-mq.c, blk_mq_alloc_tag_set: at most 64 requests in a capture kernel";

// Sorted by name within each part. Paths and numbers are of the sources of Linux 6.12, for one adapter and
// for one CPU (nr_cpus=1), which gets one queue. What the firmware or the host decides is an allowance.
constexpr DriverNeed kNeeds[] = {
    // Virtual machines, and plain disks.
    {"ahci", 4_MiB,
     "drivers/ata/ahci.h, AHCI_PORT_PRIV_FBS_DMA_SZ: tables of 32 commands, 93 KiB for each of up to 32 "
     "ports"},
    {"ata_piix", 1_MiB, kBlkMq},
    {"hv_storvsc", 4_MiB,
     "drivers/scsi/storvsc_drv.c, storvsc_ringbuffer_size: two rings of 128 KiB for each controller"},
    {"mmc_block", 4_MiB,
     "drivers/mmc/core/queue.c, mmc_mq_init_request: 64 requests with tables of 4 to 16 KiB for each "
     "partition of the card"},
    // A disk without memory of its own takes up to 128 MiB more if it can have them, and works without them:
    // they are not counted. (raspberrypi/linux#7445: one that asks for more than 32 MiB.)
    {"nvme", 4_MiB,
     "drivers/nvme/host/pci.c, io_queue_depth: the admin queue, and one of 1024 entries; no host memory "
     "buffer (max_host_mem_size_mb)"},
    {"sd_mod", 1_MiB, kBlkMq},
    {"sdhci_pci", 1_MiB,
     "drivers/mmc/host/sdhci.c, sdhci_allocate_bounce_buffer: at most 64 KiB; tables of 128 segments"},
    {"uas", 8_MiB,
     "drivers/usb/storage/uas.c, MAX_CMNDS: up to 256 streams on 3 endpoints, each a ring of 8 KiB of the "
     "USB controller"},
    {"usb_storage", 1_MiB,
     "drivers/usb/storage/scsiglue.c, usb_stor_host_template_init: one command at a time"},
    {"virtio_blk", 1_MiB, kMeasured},
    {"virtio_pci", 1_MiB, kMeasured},
    {"virtio_scsi", 2_MiB,
     "drivers/scsi/virtio_scsi.c, virtscsi_probe: the control and event queues, and one for requests"},
    {"vmw_pvscsi", 6_MiB,
     "drivers/scsi/vmw_pvscsi.c, pvscsi_allocate_sg: a page for each of up to 1024 requests; rings of up to "
     "32 pages"},
    {"xen_blkfront", 8_MiB,
     "drivers/block/xen-blkfront.c, fill_grant_buffer: 33 pages for each of 32 requests, 4.2 MiB for each "
     "disk"},
    {"xhci_pci", 5_MiB,
     "drivers/usb/host/xhci-mem.c, scratchpad_alloc: up to 1023 pages, as the controller wants; rings, "
     "contexts"},

    // Host adapters. Most know that they are in a capture kernel, and take less.
    {"aacraid", 16_MiB,
     "drivers/scsi/aacraid/commsup.c, fib_map_alloc: 1024 FIBs of 2 KiB, or of what the firmware says"},
    // An ARC-1886 does not start without them, if its firmware wants them. All other models need 13 MiB.
    {"arcmsr", 160_MiB,
     "drivers/scsi/arcmsr/arcmsr_hba.c, arcmsr_alloc_xor_buffer: 131 MiB or more; command blocks of up to 13 "
     "MiB"},
    // About 6 MiB for a function by the sizes of its structures; adapters have two or four.
    {"bfa", 32_MiB,
     "drivers/scsi/bfa/bfa_core.c, DEF_CFG_NUM_IOIM_REQS: 2000 requests, their tables, 1024 ports; an "
     "allowance"},
    {"bnx2fc", 32_MiB,
     "drivers/scsi/bnx2fc/bnx2fc_io.c, bnx2fc_cmd_mgr_alloc: 4 Ki exchanges with a page each, their "
     "commands"},
    {"fnic", 16_MiB,
     "drivers/scsi/fnic/fnic_io.h, FNIC_MAX_SG_DESC_CNT: 64 requests with a page each, traces; an allowance "
     "for frames"},
    {"hisi_sas_v3_hw", 32_MiB,
     "drivers/scsi/hisi_sas/hisi_sas_main.c, hisi_sas_alloc: 4 Ki slots with buffers of 4 KiB, up to 32 "
     "queues of 4 Ki"},
    {"hpsa", 8_MiB,
     "drivers/scsi/hpsa.c, hpsa_get_max_perf_mode_cmds: 32 commands with reset_devices; lists of devices"},
    {"ipr", 16_MiB,
     "drivers/scsi/ipr.c, ipr_chip_cfg: 1000 commands with blocks of 2 KiB; up to 1024 devices"},
    {"lpfc", 32_MiB,
     "drivers/scsi/lpfc/lpfc_init.c: at most 512 exchanges in a capture kernel; queues, frame buffers"},
    {"megaraid_sas", 16_MiB,
     "drivers/scsi/megaraid/megaraid_sas_fusion.c: 100 commands with reset_devices; maps of drives"},
    {"mpi3mr", 32_MiB,
     "drivers/scsi/mpi3mr/mpi3mr.h, MPI3MR_HOST_IOS_KDUMP: 128 requests; two trace buffers of 4 MiB, replies "
     "as the firmware wants"},
    {"mpt3sas", 16_MiB,
     "drivers/scsi/mpt3sas/mpt3sas_base.c: 200 requests with reset_devices, their chains and sense data"},
    {"pm80xx", 32_MiB,
     "drivers/scsi/pm8001/pm8001_init.c, pm8001_init_ccb_tag: 1024 commands with tables of 528 entries, 16 "
     "KiB each"},
    // 8 MiB of tables, 8 MiB of sense buffers with a page each; nothing was found about the contexts of qed.
    {"qedf", 64_MiB,
     "drivers/scsi/qedf/qedf_io.c, qedf_cmd_mgr_alloc: 2048 exchanges with two pages each; an allowance for "
     "contexts"},
    {"qla2xxx", 32_MiB,
     "drivers/scsi/qla2xxx/qla_os.c, qla2x00_probe_one: no multiqueue and no firmware dump in a capture "
     "kernel; an allowance for rings of 8192 entries, login tables"},
    {"smartpqi", 16_MiB,
     "drivers/scsi/smartpqi: 32 requests of at most 512 KiB in a capture kernel; queues, error buffers"},
    {"ufshcd_pci", 4_MiB,
     "drivers/ufs/core/ufshcd.c, ufshcd_memory_alloc: up to 256 commands with tables of 3 KiB"},

    // Network adapters; they count where a target is reached through them.
    {"be2net", 32_MiB,
     "drivers/net/ethernet/emulex/benet/be.h, RX_Q_LEN: 1024 receive buffers of 2 to 8 KiB; an allowance for "
     "other functions"},
    {"bnx2x", 32_MiB,
     "drivers/net/ethernet/broadcom/bnx2x/bnx2x.h, MAX_RX_AVAIL: one queue of 4078 buffers of 2 KiB; an "
     "allowance for contexts"},
    // RoCE takes no more pairs of queues in a capture kernel, but still 256 Ki + 128 Ki entries of MRAV: 24
    // MiB for a port if they have 64 bytes.
    {"bnxt_en", 64_MiB,
     "drivers/net/ethernet/broadcom/bnxt/bnxt.c, bnxt_alloc_ctx_mem: as the firmware wants; one queue of 511 "
     "buffers"},
    // The dump of the adapter, 32 MiB, is not taken with novmcoredd.
    {"cxgb4", 32_MiB,
     "drivers/net/ethernet/chelsio/cxgb4/cxgb4_main.c, cfg_queues: one queue for each port, 72 buffers of 64 "
     "KiB; no offload"},
    {"e1000e", 4_MiB, "drivers/net/ethernet/intel/e1000e/e1000.h, E1000_DEFAULT_RXD: 256 receive buffers"},
    {"ena", 16_MiB,
     "drivers/net/ethernet/amazon/ena/ena_netdev.h, ENA_DEFAULT_RING_SIZE: one queue of 1024 buffers of 4 to "
     "16 KiB"},
    {"enic", 8_MiB,
     "drivers/net/ethernet/cisco/enic/enic_main.c, enic_kdump_kernel_config: one queue of 64 buffers"},
    {"gve", 16_MiB,
     "drivers/net/ethernet/google/gve/gve.h, gve_get_rx_pages_per_qpl_dqo: one queue of 2048 pages, and 512 "
     "to send"},
    // For each adapter. The driver of a VF counts by itself.
    {"hv_netvsc", 32_MiB,
     "drivers/net/hyperv/hyperv_net.h, NETVSC_RECEIVE_BUFFER_DEFAULT: 16 MiB; 1 MiB to send, 1 MiB of rings"},
    {"i40e", 32_MiB,
     "drivers/net/ethernet/intel/i40e/i40e_hmc.h, I40E_HMC_DIRECT_BP_SIZE: contexts in pieces of 2 MiB for "
     "each function; one queue of 64 buffers"},
    {"ice", 32_MiB,
     "drivers/net/ethernet/intel/ice/ice.h, ICE_DFLT_NUM_RX_DESC: one queue of 2048 pages; an allowance for "
     "its DDP package"},
    {"igb", 8_MiB, "drivers/net/ethernet/intel/igb/igb.h, IGB_DEFAULT_RXD: one queue of 256 pages"},
    {"ixgbe", 16_MiB,
     "drivers/net/ethernet/intel/ixgbe/ixgbe.h, IXGBE_DEFAULT_RXD: one queue of 512 buffers of 4 to 8 KiB"},
    {"mana", 32_MiB,
     "include/net/mana/mana.h, DEF_RX_BUFFERS_PER_QUEUE: one queue of 512 or 1024 pages for each port; an "
     "allowance for others"},
    // Its contexts (ICM) are given to it as they are used; nothing was found about what its firmware wants at
    // the start.
    {"mlx4_core", 64_MiB,
     "drivers/net/ethernet/mellanox/mlx4/main.c, low_mem_profile in a capture kernel; an allowance for its "
     "firmware"},
    {"mlx5_core", 150_MiB, "kdump-utils 63f248c, kdump-lib.sh: 124 MiB measured with pages of 4 KiB"},
    // Nothing was found about the contexts of qed.
    {"qede", 64_MiB,
     "drivers/net/ethernet/qlogic/qede/qede.h, NUM_RX_BDS_KDUMP_MIN: 63 receive buffers; an allowance for "
     "contexts"},
    {"r8169", 6_MiB,
     "drivers/net/ethernet/realtek/r8169_main.c, R8169_RX_BUF_SIZE: 256 receive buffers of 16 KiB"},
    {"tg3", 8_MiB,
     "drivers/net/ethernet/broadcom/tg3.c, TG3_DEF_RX_RING_PENDING: 200 receive buffers of 2 KiB, 100 jumbo "
     "ones of 16 KiB"},
    {"virtio_net", 4_MiB,
     "drivers/net/virtio_net.c, virtnet_open: one queue of 256 to 1024 receive buffers; rings of all queues"},
    {"vmxnet3", 8_MiB,
     "drivers/net/vmxnet3/vmxnet3_int.h, VMXNET3_DEF_RX_RING_SIZE: one queue, 1024 and 512 buffers of up to "
     "a page"},
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
