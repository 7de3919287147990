/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * sandbox.c - see sandbox.h.
 *
 * Three answers to a system call: allowed; refused with an error, so that a library that merely
 * looks around (a time zone, the number of processors) goes on without; and death, for what no
 * decoder has reason to try. Anything not named is refused.
 */
#include "decode/sandbox.h"

#include "core/error.h"

#include <errno.h>
#include <linux/capability.h>
#include <linux/sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) ||                         \
    __has_feature(memory_sanitizer)
#define SANITIZED 1
#endif
#endif

enum { CPU_SECONDS = 3600, DESCRIPTORS = 64 };

static const int allowed[] = {
    /* the descriptors it has */
    SCMP_SYS(read),
    SCMP_SYS(readv),
    SCMP_SYS(pread64),
    SCMP_SYS(lseek),
    SCMP_SYS(fstat),
    SCMP_SYS(close),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    /* memory */
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    /* threads: HEIC and AVIF decoders make some */
    SCMP_SYS(futex),
    SCMP_SYS(set_robust_list),
    SCMP_SYS(rseq),
    SCMP_SYS(sched_yield),
    SCMP_SYS(sched_getaffinity),
    SCMP_SYS(sched_getparam),
    SCMP_SYS(sched_getscheduler),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(set_tid_address),
    /* signals to itself, and the end */
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(alarm),
    SCMP_SYS(restart_syscall),
    /* time and chance */
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_getres),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettimeofday),
    SCMP_SYS(time),
    SCMP_SYS(getrandom),
    SCMP_SYS(getrusage),
    SCMP_SYS(times),
#ifdef SANITIZED /* its reports, and its own bookkeeping */
    SCMP_SYS(write),
    SCMP_SYS(writev),
    SCMP_SYS(mprotect),
    SCMP_SYS(mmap),
    SCMP_SYS(prctl),
    SCMP_SYS(openat),
    SCMP_SYS(readlink),
    SCMP_SYS(newfstatat),
    SCMP_SYS(ioctl),
    SCMP_SYS(uname),
    SCMP_SYS(getuid),
    SCMP_SYS(dup),
    SCMP_SYS(pipe),
    SCMP_SYS(pipe2),
    SCMP_SYS(process_vm_readv),
#endif
};

static const int deadly[] = {
    SCMP_SYS(execve),      SCMP_SYS(execveat),
    SCMP_SYS(fork),        SCMP_SYS(vfork),
    SCMP_SYS(socket),      SCMP_SYS(connect),
    SCMP_SYS(bind),        SCMP_SYS(listen),
    SCMP_SYS(accept),      SCMP_SYS(accept4),
    SCMP_SYS(ptrace),      SCMP_SYS(process_vm_writev),
    SCMP_SYS(kill),        SCMP_SYS(tkill),
    SCMP_SYS(bpf),         SCMP_SYS(perf_event_open),
    SCMP_SYS(userfaultfd), SCMP_SYS(io_uring_setup),
    SCMP_SYS(mount),       SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),  SCMP_SYS(chroot),
    SCMP_SYS(setns),       SCMP_SYS(unshare),
    SCMP_SYS(init_module), SCMP_SYS(finit_module),
    SCMP_SYS(kexec_load),  SCMP_SYS(unlink),
    SCMP_SYS(unlinkat),    SCMP_SYS(rename),
    SCMP_SYS(renameat),    SCMP_SYS(renameat2),
    SCMP_SYS(truncate),    SCMP_SYS(ftruncate),
};

/* Sets a limit, or keeps the hard one that is lower already. `grace` is what the hard limit allows
 * beyond the soft one (SIGXCPU comes at the soft limit, SIGKILL at the hard one). */
static int limit(int resource, rlim_t value, rlim_t grace)
{
    struct rlimit now;
    if (getrlimit(resource, &now))
        return -1;
    const rlim_t hard = value + grace < now.rlim_max ? value + grace : now.rlim_max;
    const struct rlimit both = {value < hard ? value : hard, hard};
    return setrlimit(resource, &both);
}

/* A worker of root's is still no root. */
static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {{0}, {0}};
    return (int)syscall(SYS_capset, &header, none);
}

static int add_rules(scmp_filter_ctx filter)
{
    int failed = 0;
    for (size_t i = 0; i < sizeof allowed / sizeof *allowed; i++)
        failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    for (size_t i = 0; i < sizeof deadly / sizeof *deadly; i++)
        failed |= seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0);

        /* Memory that can never be executed; threads but no processes. clone3 hides its flags in
         * memory, so it is "not there" and glibc falls back to clone. abort() signals itself. */
#ifndef SANITIZED
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
                               SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), 1,
                               SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME));
#endif
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                               SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
    failed |= seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, SCMP_SYS(clone), 1,
                               SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
    failed |= seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
    failed |= seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1,
                               SCMP_A0_64(SCMP_CMP_EQ, (scmp_datum_t)getpid(), 0));
    return failed;
}

hk_status hk__sandbox_close(uint64_t memory, hk_error *err)
{
    int failed = limit(RLIMIT_CORE, 0, 0) || limit(RLIMIT_FSIZE, 0, 0) ||
                 limit(RLIMIT_NOFILE, DESCRIPTORS, 0) || limit(RLIMIT_CPU, CPU_SECONDS, 5) ||
                 drop_capabilities();
#ifdef SANITIZED
    (void)memory; /* shadow memory takes terabytes of address space */
#else
    failed = failed || limit(RLIMIT_AS, (rlim_t)memory, 0) || prctl(PR_SET_DUMPABLE, 0);
#endif
    if (failed)
        return hk__fail(err, HK_ERR_SYSTEM, "resource limits cannot be set: %s", strerror(errno));

    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
    if (!filter)
        return hk__fail(err, HK_ERR_SYSTEM, "the system-call filter cannot be made");
    /* All threads, should a library have made one by now; calls of another architecture are death.
     */
    int wrong = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) ||
                seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS) ||
                add_rules(filter);
    if (!wrong)
        wrong = seccomp_load(filter);
    seccomp_release(filter);
    if (wrong)
        return hk__fail(err, HK_ERR_SYSTEM,
                        "the system-call filter cannot be set (%s): does this kernel have seccomp?",
                        strerror(wrong < 0 ? -wrong : EINVAL));
    return HK_OK;
}
