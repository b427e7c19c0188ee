/* SPDX-License-Identifier: Apache-2.0
 *
 * Which system calls a plugin has, by what it was granted. What plain computing, threads, memory,
 * time, waiting and files need is allowed; how far files reach is the private root's and Landlock's
 * to say. Calls of which some arguments are harmless and some are not stand in filter.c. All else
 * is denied, what is new after this list was made too.
 */
#include "sandbox/filter_internal.h"

#include <sys/syscall.h>

const int filter_always[] = {
    /* memory */
    SYS_brk, SYS_mmap, SYS_munmap, SYS_mprotect, SYS_mremap, SYS_madvise, SYS_mincore, SYS_msync,
    SYS_mlock, SYS_mlock2, SYS_munlock, SYS_membarrier,
    /* threads, signals of its own */
    SYS_futex, SYS_set_robust_list, SYS_get_robust_list, SYS_rseq, SYS_set_tid_address, SYS_exit,
    SYS_exit_group, SYS_rt_sigaction, SYS_rt_sigprocmask, SYS_rt_sigreturn, SYS_rt_sigpending,
    SYS_rt_sigtimedwait, SYS_rt_sigsuspend, SYS_sigaltstack, SYS_restart_syscall, SYS_sched_yield,
    SYS_sched_getaffinity, SYS_sched_getparam, SYS_sched_getscheduler, SYS_sched_get_priority_max,
    SYS_sched_get_priority_min, SYS_getcpu, SYS_wait4, SYS_waitid,
    /* who and where it is */
    SYS_getpid, SYS_gettid, SYS_getppid, SYS_getuid, SYS_geteuid, SYS_getgid, SYS_getegid,
    SYS_getgroups, SYS_getresuid, SYS_getresgid, SYS_getpgid, SYS_getsid, SYS_capget,
    SYS_getpriority, SYS_getrusage, SYS_sysinfo, SYS_uname, SYS_getrandom, SYS_getcwd, SYS_chdir,
    SYS_fchdir, SYS_umask,
    /* time */
    SYS_clock_gettime, SYS_clock_getres, SYS_clock_nanosleep, SYS_nanosleep, SYS_gettimeofday,
    SYS_times, SYS_timer_create, SYS_timer_settime, SYS_timer_gettime, SYS_timer_getoverrun,
    SYS_timer_delete, SYS_getitimer, SYS_setitimer, SYS_timerfd_create, SYS_timerfd_settime,
    SYS_timerfd_gettime,
    /* waiting, and talking to itself */
    SYS_ppoll, SYS_pselect6, SYS_epoll_create1, SYS_epoll_ctl, SYS_epoll_pwait, SYS_eventfd2,
    SYS_signalfd4, SYS_pipe2, SYS_dup, SYS_dup3, SYS_recvfrom, SYS_recvmsg, SYS_shutdown,
    SYS_getsockopt, SYS_getsockname, SYS_getpeername,
    /* reading, and writing to what is open */
    SYS_read, SYS_write, SYS_readv, SYS_writev, SYS_pread64, SYS_pwrite64, SYS_preadv, SYS_pwritev,
    SYS_preadv2, SYS_pwritev2, SYS_close, SYS_close_range, SYS_lseek, SYS_fstat, SYS_newfstatat,
    SYS_statx, SYS_faccessat, SYS_faccessat2, SYS_readlinkat, SYS_getdents64, SYS_statfs,
    SYS_fstatfs, SYS_fadvise64, SYS_readahead, SYS_sendfile, SYS_splice, SYS_tee,
    SYS_copy_file_range, SYS_fsync, SYS_fdatasync,
#if defined(__x86_64__)
    SYS_arch_prctl, SYS_time, SYS_alarm, SYS_pause, SYS_poll, SYS_select, SYS_epoll_create,
    SYS_epoll_wait, SYS_eventfd, SYS_signalfd, SYS_pipe, SYS_dup2, SYS_stat, SYS_lstat, SYS_access,
    SYS_readlink, SYS_getdents, SYS_getpgrp,
#endif
    -1};

const int filter_writing[] = {SYS_unlinkat,
                              SYS_renameat2,
                              SYS_linkat,
                              SYS_symlinkat,
                              SYS_ftruncate,
                              SYS_truncate,
                              SYS_fallocate,
                              SYS_flock,
                              SYS_sync_file_range,
#if defined(__x86_64__)
                              SYS_rmdir,
                              SYS_unlink,
                              SYS_rename,
                              SYS_renameat,
                              SYS_link,
                              SYS_symlink,
#endif
                              -1};

const int filter_attributes[] = {SYS_utimensat,
#if defined(__x86_64__)
                                 SYS_utime, SYS_utimes, SYS_futimesat,
#endif
                                 -1};

const int filter_network[] = {SYS_connect, SYS_bind,     SYS_listen,   SYS_accept,     SYS_accept4,
                              SYS_sendmsg, SYS_sendmmsg, SYS_recvmmsg, SYS_setsockopt, -1};

const int filter_programs[] = {SYS_execve, SYS_execveat, SYS_setpgid, SYS_setsid,
#if defined(__x86_64__)
                               SYS_fork,   SYS_vfork,
#endif
                               -1};

const int filter_code[] = {SYS_memfd_create, SYS_pkey_alloc, SYS_pkey_free, SYS_pkey_mprotect, -1};

/* No program asks for these by accident: who does is stopped before the next try. */
const int filter_deadly[] = {SYS_ptrace,
                             SYS_process_vm_readv,
                             SYS_process_vm_writev,
                             SYS_kexec_load,
                             SYS_kexec_file_load,
                             SYS_init_module,
                             SYS_finit_module,
                             SYS_delete_module,
                             SYS_bpf,
                             SYS_reboot,
                             SYS_open_by_handle_at,
                             SYS_swapon,
                             SYS_swapoff,
#if defined(__x86_64__)
                             SYS_iopl,
                             SYS_ioperm,
#endif
                             -1};
