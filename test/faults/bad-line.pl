# A line between two networks that loses, delays, reorders and repeats packets, for kernels without netem and with: what it
# does to a packet is decided here, by a seeded random, and counted.
#
#   perl bad-line.pl <seed> <loss> <delay ms> <jitter ms> <repeat>
#
# It makes two network devices, line-a and line-b, prints "ready" and carries the packets of each to the other until its
# standard input ends. Loss and repeat are fractions; each packet waits delay + random(jitter), so jitter reorders.
# SIGUSR1 cuts the line (packets are lost), SIGUSR2 mends it. It prints what it did when it ends.

use strict;
use warnings;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my ($seed, $loss, $delay, $jitter, $repeat) = @ARGV;
srand($seed);
$| = 1;

sub device {
  my ($name) = @_;
  open(my $file, '+<', '/dev/net/tun') or die "/dev/net/tun: $!\n";
  my $request = pack('Z16 S x22', $name, 0x1001); # IFF_TUN | IFF_NO_PI
  ioctl($file, 0x400454ca, $request) or die "$name: $!\n"; # TUNSETIFF
  return $file;
}

my @ends = (device('line-a'), device('line-b'));
my $cut = 0;
my %count = (carried => 0, lost => 0, late => 0, repeated => 0);
my @waiting; # [due, end, packet], soonest first
my $last = 0;
$SIG{USR1} = sub { $cut = 1 };
$SIG{USR2} = sub { $cut = 0 };
print "ready\n";

sub queue {
  my ($end, $packet, $now) = @_;
  my $due = $now + ($delay + rand($jitter)) / 1000;
  my $at = @waiting;
  $at-- while $at > 0 && $waiting[$at - 1][0] > $due;
  $count{late}++ if $at < @waiting; # it overtakes another
  splice(@waiting, $at, 0, [$due, $end, $packet]);
}

while (1) {
  my $now = clock_gettime(CLOCK_MONOTONIC);
  while (@waiting && $waiting[0][0] <= $now) {
    my (undef, $end, $packet) = @{shift @waiting};
    if ($cut) { $count{lost}++; next }
    $count{carried}++ if defined syswrite($ends[$end], $packet); # a full or absent network loses it, as networks do
  }
  my $readable = '';
  vec($readable, 0, 1) = 1;
  vec($readable, fileno($_), 1) = 1 for @ends;
  my $wait = @waiting ? $waiting[0][0] - $now : undef;
  $wait = 0 if defined $wait && $wait < 0;
  my $found = select($readable, undef, undef, $wait);
  next if $found <= 0;
  last if vec($readable, 0, 1) && !sysread(STDIN, my $command, 100);
  $now = clock_gettime(CLOCK_MONOTONIC);
  for my $from (0, 1) {
    next unless vec($readable, fileno($ends[$from]), 1);
    next unless sysread($ends[$from], my $packet, 65536);
    if ($cut || rand() < $loss) { $count{lost}++; next }
    queue(1 - $from, $packet, $now);
    if (rand() < $repeat) { $count{repeated}++; queue(1 - $from, $packet, $now) }
  }
}
print join(' ', map { "$_=$count{$_}" } sort keys %count), "\n";
