// Part of the program: this machine's files, below /host, and its working folder.
Module.preRun = [Module.preRun ?? []].flat();
Module.preRun.push(() => {
  FS.mkdir("/host");
  FS.mount(NODEFS, { root: "/" }, "/host");
  FS.chdir(`/host${process.cwd()}`);
});
