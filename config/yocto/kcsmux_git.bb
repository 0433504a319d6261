# SPDX-License-Identifier: Apache-2.0
#
# kcsmuxd for an OpenBMC or Yocto image: ARMv7 hard-float (AST2600) and AArch64 (AST2700, NPCM8xx). The build is
# `.ci/install`, with the image's own libc and libyaml. Swift comes from the build machine: no layer has its Embedded
# library. In conf/local.conf:
#   KCSMUX_URI = "git:///srv/git/kcsmux;protocol=file;branch=main"
#   KCSMUX_TOOLCHAIN = "/opt/swift/usr"
#   IMAGE_INSTALL:append = " kcsmux"
# The board's own kcsmux.yaml: a kcsmux_%.bbappend with it in SRC_URI, and
#   do_install:append() { install -m 0644 ${WORKDIR}/kcsmux.yaml ${D}${sysconfdir}/kcsmux/kcsmux.yaml; }
SUMMARY = "Plugin host for raw KCS channels"
DESCRIPTION = "Serves the KCS channels between a BMC and its host CPU, and gives their bytes or messages to plugins"
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://LICENSE;md5=3b83ef96387f14655fc854ddc3c6bd57"

KCSMUX_URI ?= "git:///srv/git/kcsmux;protocol=file;branch=main"
KCSMUX_TOOLCHAIN ?= "/opt/swift/usr"
SRC_URI = "${KCSMUX_URI}"
SRCREV ?= "${AUTOREV}"
PV = "0.1+git"
S = "${WORKDIR}/git"

DEPENDS = "libyaml"
# A machine that takes its host's IPMI channel from kcsmuxd, and may go back to another by this choice alone:
#   PREFERRED_PROVIDER_virtual/obmc-host-ipmi-hw = "kcsmux"
PROVIDES += "virtual/obmc-host-ipmi-hw"
RPROVIDES:${PN} += "virtual-obmc-host-ipmi-hw"
inherit systemd useradd
COMPATIBLE_HOST = "(arm.*-linux-gnueabi|aarch64.*-linux)"
KCSMUX_TARGET:arm = "armv7"
KCSMUX_TARGET:aarch64 = "aarch64"

do_compile() {
    # The C compiler with its sysroot says where libgcc is; clang, Swift and lld come from the toolchain.
    export PATH="${KCSMUX_TOOLCHAIN}/bin:$PATH" KCSMUX_TOOLCHAIN="${KCSMUX_TOOLCHAIN}" HOME="${WORKDIR}"
    ${S}/.ci/install --target ${KCSMUX_TARGET} --sysroot ${STAGING_DIR_TARGET} --gcc "${CC}" \
        --scratch ${B}/.build-${KCSMUX_TARGET} --destination ${B}/image --debug ${B}/debug \
        --daemon ${libexecdir}
}

do_install() {
    cp -R --no-preserve=ownership ${B}/image/. ${B}/debug/. ${D}
}

# Stripped, with debug files, by the build itself.
INHIBIT_PACKAGE_STRIP = "1"
INHIBIT_PACKAGE_DEBUG_SPLIT = "1"

SYSTEMD_SERVICE:${PN} = "kcsmuxd.service"
USERADD_PACKAGES = "${PN}"
USERADD_PARAM:${PN} = "--system --user-group --no-create-home --home-dir /var/lib/kcsmux --shell /sbin/nologin kcsmux"
CONFFILES:${PN} = "${sysconfdir}/kcsmux/kcsmux.yaml"

# A package for each plugin: an image installs those that its kcsmux.yaml names.
KCSMUX_PLUGINS = "dcmi debug-trigger echo ipmi-dbus ipmi-lite ipmi-settings mctp post-code"
PACKAGES =+ "${PN}-bash-completion ${PN}-wireshark ${PN}-monitoring ${@' '.join('${PN}-plugin-' + p for p in d.getVar('KCSMUX_PLUGINS').split())}"
python () {
    package = d.getVar('PN')
    for plugin in d.getVar('KCSMUX_PLUGINS').split():
        d.setVar('FILES:%s-plugin-%s' % (package, plugin), '/usr/lib/kcsmux/plugins/libkcs-%s.so' % plugin)
        d.setVar('RDEPENDS:%s-plugin-%s' % (package, plugin), package)
}
# Those that the default file names.
RRECOMMENDS:${PN} += "${PN}-plugin-debug-trigger ${PN}-plugin-ipmi-lite"
FILES:${PN} += "/usr/lib/systemd /usr/lib/sysusers.d /usr/lib/tmpfiles.d /usr/lib/udev ${datadir}/zsh ${datadir}/fish ${datadir}/kcsmux/demo.yaml \
    /usr/libexec/kcsmux ${datadir}/dbus-1"
FILES:${PN}-dev += "${includedir} ${datadir}/pkgconfig ${datadir}/kcsmux/pluginkit"
FILES:${PN}-bash-completion = "${datadir}/bash-completion"
# For workstations: an image has no use for it, nor for the Python that it takes.
FILES:${PN}-wireshark = "${datadir}/kcsmux/wireshark"
FILES:${PN}-monitoring = "${datadir}/kcsmux/prometheus ${datadir}/kcsmux/grafana"
FILES:${PN}-dbg += "/usr/lib/debug"
INSANE_SKIP:${PN} += "already-stripped"
