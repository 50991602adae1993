/*
 * Sockets for programs that emscripten builds, to run in Node:
 *
 *   emcc prog.c node_modules/ringnet/emscripten.c --js-library node_modules/ringnet/emscripten.js -o prog.js
 *
 * Emscripten puts these functions into the program's JavaScript; they are as small as can be, and `ringnet/wasm` does the work. The program
 * loads it by `require`; where there is no `require`, or it finds another package, set `Module.ringnet` to what `import("ringnet/wasm")` gives.
 */

(() => {
  const library = LibraryManager.library;

  const parts = {
    $RINGNET__deps: ["$FS"],
    $RINGNET: {
      imports: null,
      get: () => {
        if (!RINGNET.imports) {
          RINGNET.imports = (Module["ringnet"] || require("ringnet/wasm"))["socketImports"]({
            FS: FS,
            heap: () => HEAPU8,
            malloc: (bytes) => _ringnet_malloc(bytes),
          });
        }
        return RINGNET.imports;
      },
      call: (name, values) => RINGNET.get()["calls"][name].apply(null, values),
      shared: (name, fd, values, original) =>
        RINGNET.get()["owns"](name, fd) ? RINGNET.get()["shared"][name].apply(null, values) : original.apply(null, values),
    },

    __syscall_socket: function (a, b, c) { return RINGNET.call("__syscall_socket", [a, b, c]); },
    __syscall_bind: function (a, b, c) { return RINGNET.call("__syscall_bind", [a, b, c]); },
    __syscall_listen: function (a, b) { return RINGNET.call("__syscall_listen", [a, b]); },
    __syscall_accept4: function (a, b, c, d) { return RINGNET.call("__syscall_accept4", [a, b, c, d]); },
    __syscall_connect: function (a, b, c) { return RINGNET.call("__syscall_connect", [a, b, c]); },
    __syscall_getsockname: function (a, b, c) { return RINGNET.call("__syscall_getsockname", [a, b, c]); },
    __syscall_getpeername: function (a, b, c) { return RINGNET.call("__syscall_getpeername", [a, b, c]); },
    __syscall_sendto: function (a, b, c, d, e, f) { return RINGNET.call("__syscall_sendto", [a, b, c, d, e, f]); },
    __syscall_recvfrom: function (a, b, c, d, e, f) { return RINGNET.call("__syscall_recvfrom", [a, b, c, d, e, f]); },
    __syscall_sendmsg: function (a, b, c) { return RINGNET.call("__syscall_sendmsg", [a, b, c]); },
    __syscall_recvmsg: function (a, b, c) { return RINGNET.call("__syscall_recvmsg", [a, b, c]); },
    __syscall_getsockopt: function (a, b, c, d, e) { return RINGNET.call("__syscall_getsockopt", [a, b, c, d, e]); },
    __syscall_poll: function (a, b, c) { return RINGNET.call("__syscall_poll", [a, b, c]); },
    __syscall_poll_nonblocking: function (a, b) { return RINGNET.call("__syscall_poll_nonblocking", [a, b]); },
    __syscall__newselect: function (a, b, c, d, e) { return RINGNET.call("__syscall__newselect", [a, b, c, d, e]); },

    // Called by emscripten.c.
    ringnet_shutdown: function (a, b) { return RINGNET.call("__syscall_shutdown", [a, b]); },
    ringnet_setsockopt: function (a, b, c, d, e) { return RINGNET.call("__syscall_setsockopt", [a, b, c, d, e]); },
    ringnet_sendmmsg: function (a, b, c, d) { return RINGNET.call("__syscall_sendmmsg", [a, b, c, d]); },
    ringnet_recvmmsg: function (a, b, c, d) { return RINGNET.call("__syscall_recvmmsg", [a, b, c, d]); },
    ringnet_gethostbyname: function (a) { return RINGNET.call("gethostbyname", [a]); },
    ringnet_gethostbyname_r: function (a, b, c, d, e, f) { return RINGNET.call("gethostbyname_r", [a, b, c, d, e, f]); },

    getaddrinfo: function (a, b, c, d) { return RINGNET.call("getaddrinfo", [a, b, c, d]); },
    getnameinfo: function (a, b, c, d, e, f, g) { return RINGNET.call("getnameinfo", [a, b, c, d, e, f, g]); },
    _emscripten_lookup_name: function (a) { return RINGNET.call("_emscripten_lookup_name", [a]); },

    // For any descriptor: the file system's own functions go on where it is something else.
    __syscall_fcntl64: function (a, b, c) { return RINGNET.shared("__syscall_fcntl64", a, [a, b, c], ringnet_own___syscall_fcntl64); },
    __syscall_ioctl: function (a, b, c) { return RINGNET.shared("__syscall_ioctl", a, [a, b, c], ringnet_own___syscall_ioctl); },
    __syscall_dup: function (a) { return RINGNET.shared("__syscall_dup", a, [a], ringnet_own___syscall_dup); },
    __syscall_dup3: function (a, b, c) { return RINGNET.shared("__syscall_dup3", a, [a, b, c], ringnet_own___syscall_dup3); },
    fd_read: function (a, b, c, d) { return RINGNET.shared("fd_read", a, [a, b, c, d], ringnet_own_fd_read); },
    fd_write: function (a, b, c, d) { return RINGNET.shared("fd_write", a, [a, b, c, d], ringnet_own_fd_write); },
  };

  for (const name of Object.keys(parts)) {
    if (name.startsWith("$")) continue;
    // Newer versions of emscripten have signatures of their own, and refuse others.
    if (!library[`${name}__sig`]) parts[`${name}__sig`] = "i".repeat(parts[name].length + 1);
    parts[`${name}__proxy`] = "sync";
    parts[`${name}__deps`] = ["$RINGNET"];
    if (!String(parts[name]).includes("RINGNET.shared")) continue;
    const own = `$ringnet_own_${name}`;
    parts[own] = library[name];
    parts[`${own}__deps`] = library[`${name}__deps`] || [];
    parts[`${name}__deps`].push(own);
  }
  mergeInto(library, parts);
})();
